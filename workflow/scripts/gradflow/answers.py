"""The report's prose: each function answers one question from the tables, in Markdown; other data, other sentences."""

import numpy as np

from gradflow.effects import ACTIVATION_GRADIENT
from gradflow.intervals import interval
from gradflow.labels import MOMENTS
from gradflow.measures import ratio
from gradflow.study_tables import StudyTables
from gradflow.wording import accuracy, markdown_table, power, signed, times


def verdict_key(thresholds: dict) -> str:
    """Say what the words of the verdicts and statuses mean."""
    below, above = (f"{thresholds[name]:+g}".replace("-", "−") for name in ("vanishing_below", "exploding_above"))
    return (
        f"At or below {below} decades, first layer over last, a profile is called **vanishing**, at or above {above} "
        "**exploding**, in between **healthy**; where the interval straddles a threshold it is **undecided**. The "
        "verdict is about the gradient's way through the network, not about learning: a healthy profile may belong to "
        "a network that has not learnt yet. A run is *stalled* if it ended no better than guessing, *diverged* if its "
        "loss stopped being finite."
    )


def verdict_table(study: StudyTables, thresholds: dict) -> str:
    """Tabulate decades and verdict of every arm at every moment, with its status and test accuracy."""
    decades, verdicts = study.decades(), study.verdicts(thresholds)
    slopes = study.per_arm(study.run_slopes(ACTIVATION_GRADIENT, "init"))
    head = ["arm", *MOMENTS.values(), "test accuracy, mean (range)", "runs"]
    rows = []
    for label in study.labels:
        runs = study.runs[study.runs["label"] == label]
        cells = [f"**{verdicts[label, moment]}**<br>{signed(decades[label, moment])}" for moment in MOMENTS]
        cells[0] += f"<br>a layer {signed(slopes[label], 2)}"
        statuses = "<br>".join(f"{count} {status}" for status, count in runs["status"].value_counts().items())
        rows.append([label, *cells, accuracy(runs["test_accuracy"]), statuses])
    return markdown_table(head, rows)


def does_it_vanish(study: StudyTables, thresholds: dict) -> str:
    """Answer 002's question a: does the norm vanish, and by what factor between which layers."""
    verdicts, sentences = study.verdicts(thresholds), []
    for label in study.labels:
        at_init, at_end = verdicts[label, "init"], verdicts[label, "end"]
        said = f"- **{label}** is **{at_init}** at init and **{at_end}** at the end"
        sentences.append(said + _ratios_at_end(study, label))
    return "\n".join(sentences)


def _ratios_at_end(study: StudyTables, label: str) -> str:
    """Say how the gradients of an arm's 2nd and 10th, and of its first and last layer compare at the end."""
    names = study.layer_names(label)
    last = len(names) - 1
    if last == 0:
        return f"; it has one layer (`{names[0]}`), and nothing to compare it with."
    pairs = [pair for pair in ((1, min(9, last - 1)), (0, last)) if pair[0] < pair[1]]
    found = [interval(study.by_seed(ratio(study, "end", [names[a], names[b]]), label)) for a, b in pairs]
    if not np.isfinite([one.mean for one in found]).all():
        return "; at the end of training its layers have no finite ratio."
    whole = f"{times(found[-1])} that of the last (`{names[last]}`)."
    if len(pairs) == 1:
        return f". At the end of training the gradient of the first layer is {whole}"
    a, b = pairs[0]
    return (
        f". At the end of training the gradient of layer {a + 1} (`{names[a]}`) is {times(found[0])} that of layer "
        f"{b + 1} (`{names[b]}`), and that of the first layer {whole}"
    )


def chain_rule(study: StudyTables, moment: str = "init") -> str:
    """Answer b: the measured factor of each step towards the input, multiplied out, beside the end-to-end ratio.

    A factor is a layer's gradient over the next layer's on the main path (projections beside it are left out), the
    geometric mean over random seeds. That the product meets the end-to-end ratio is the chain rule itself; what the
    table shows is how many factors, of which size, make it.
    """
    head = ["arm", "factors", "below 1", "smallest", "typical", "largest", "product", "measured end to end"]
    rows = []
    for label in study.labels:
        logs = _log_profiles(study, label, moment, main_path=True)
        with np.errstate(invalid="ignore"):  # between two layers of exact zeros there is no factor
            factors = -np.diff(logs, axis=1).mean(axis=0)  # log10 of G_l / G_(l+1)
        if not len(factors):
            rows.append([label, 0, 0, "–", "–", "–", "–", "one layer"])
            continue
        spread = [power(value) for value in (factors.min(), np.median(factors), factors.max())]
        whole = times(interval(logs[:, 0] - logs[:, -1]))
        rows.append([label, len(factors), (factors < 0).sum(), *spread, f"{power(factors.sum())}×", whole])
    return markdown_table(head, rows)


def made_with(study: StudyTables) -> str:
    """Say with which settings, on what and from which commit the runs of a study were made."""
    runs = study.runs
    names = ("dataset", "width", "epochs", "batch_size", "learning_rate", "init", "optimizer")
    alike = [f"{name.replace('_', ' ')} {runs[name].iloc[0]}" for name in names if runs[name].nunique() == 1]
    commits = ", ".join(sorted({str(commit)[:10] for commit in runs["commit"].dropna()})) or "unknown"
    changed = " with uncommitted changes" if (runs["dirty"].astype(str) == "True").any() else ""
    devices = ", ".join(sorted(set(runs["device"].astype(str))))
    return f"*{len(runs)} runs, {'; '.join(alike)}. Device: {devices}. Commit: {commits}{changed}.*"


def _log_profiles(study: StudyTables, label: str, moment: str, main_path: bool = False) -> np.ndarray:
    """log10 of the activation gradient, [seeds, layers in forward order]."""
    table = study.profiles
    chosen = (table["label"] == label) & (table["moment"] == moment) & (table["quantity"] == ACTIVATION_GRADIENT)
    rows = table[chosen & (table["depth"] >= 0)]
    rows = study.on_main_path(rows) if main_path else rows
    wide = rows.pivot(index="run", columns="depth", values="value")
    with np.errstate(divide="ignore"):
        return np.log10(wide.to_numpy())


def data_table(datasets: list[dict]) -> str:
    """Tabulate the data sets that were trained on, and name the damaged images that were left out.

    datasets: what each `dataset.json` holds.
    """
    head = ["data set", "classes", "train", "validation", "test", "stored at", "fingerprint"]
    rows, notes = [], []
    for facts in datasets:
        counts = [f"{facts['counts'][part]:,}" for part in ("train", "validation", "test")]
        height, width = facts["stored"]
        rows.append(
            [facts["name"], len(facts["classes"]), *counts, f"{width}×{height}", f"`{facts['fingerprint'][:12]}`"]
        )
        dropped = facts["dropped"]
        if dropped:
            names = ", ".join(dropped[:10]) + (", ..." if len(dropped) > 10 else "")
            what = "1 damaged image was" if len(dropped) == 1 else f"{len(dropped)} damaged images were"
            notes.append(f"From `{facts['name']}` {what} left out: {names}.")
    return markdown_table(head, rows) + "".join(f"\n\n{note}" for note in notes)
