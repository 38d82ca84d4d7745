"""The report's prose: each function answers one question from the tables, in Markdown; other data, other sentences."""

from dataclasses import fields

import numpy as np

from gradflow.labels import ACTIVATIONS, INITS, MOMENTS
from gradflow.metrics import Interval, interval, verdict
from gradflow.runs import Run
from gradflow.seed004 import PRINTED
from gradflow.study_tables import StudyTables
from gradflow.wording import accuracy, change, power, signed, times

ACTIVATION_GRADIENT = "grad_sample_norm"
SETTINGS = tuple(field.name for field in fields(Run) if field.name != "seed")


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
    head = ["arm", *MOMENTS.values(), "test accuracy, mean (range)", "runs"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for label in study.labels:
        runs = study.runs[study.runs["label"] == label]
        cells = [f"**{verdicts[label, moment]}**<br>{signed(decades[label, moment])}" for moment in MOMENTS]
        statuses = "<br>".join(f"{count} {status}" for status, count in runs["status"].value_counts().items())
        lines.append("| " + " | ".join([label, *cells, accuracy(runs["test_accuracy"]), statuses]) + " |")
    return "\n".join(lines)


def does_it_vanish(study: StudyTables, thresholds: dict) -> str:
    """Answer 002's question a: does the norm vanish, and by what factor between which layers."""
    verdicts, sentences = study.verdicts(thresholds), []
    for label in study.labels:
        first, second, tenth, last = _layers_at(study, label)
        at_init, at_end = verdicts[label, "init"], verdicts[label, "end"]
        said = f"is **{at_init}** at init and **{at_end}** at the end"
        near, whole = ratio(study, label, "end", second, tenth), ratio(study, label, "end", first, last)
        sentences.append(
            f"- **{label}** {said}. At the end of training the gradient of layer {second[0] + 1} (`{second[1]}`) is "
            f"{times(near)} that of layer {tenth[0] + 1} (`{tenth[1]}`), and that of the first layer {times(whole)} "
            f"that of the last (`{last[1]}`)."
        )
    return "\n".join(sentences)


def chain_rule(study: StudyTables, moment: str = "init") -> str:
    """Answer b: the measured factor of each step towards the input, multiplied out, beside the end-to-end ratio.

    A factor is a layer's gradient over the next layer's on the main path (projections beside it are left out), the
    geometric mean over random seeds. That the product meets the end-to-end ratio is the chain rule itself; what the
    table shows is how many factors, of which size, make it.
    """
    head = ["arm", "factors", "below 1", "smallest", "typical", "largest", "product", "measured end to end"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for label in study.labels:
        logs = _log_profiles(study, label, moment, beside="downsample")
        factors = -np.diff(logs, axis=1).mean(axis=0)  # log10 of G_l / G_(l+1)
        spread = [power(value) for value in (factors.min(), np.median(factors), factors.max())]
        whole = times(interval(logs[:, 0] - logs[:, -1]))
        cells = [label, str(len(factors)), str((factors < 0).sum()), *spread, f"{power(factors.sum())}×", whole]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def contrast(study: StudyTables, field: str, with_value, without_value, moment: str) -> dict[str, Interval]:
    """Pair arms that differ in one setting alone and share seeds: {settings in common: difference in decades}.

    The difference is with minus without, by seed, of the decades of the activation gradient.
    """
    settings = study.runs.set_index("run")
    decades = study.run_decades(ACTIVATION_GRADIENT, moment)
    shared = [name for name in SETTINGS if name != field]
    differences: dict[str, list[float]] = {}
    for run, row in settings[settings[field].astype(str) == str(with_value)].iterrows():
        partner = settings[(settings[field].astype(str) == str(without_value)) & (settings["seed"] == row["seed"])]
        for name in shared:
            partner = partner[partner[name].astype(str) == str(row[name])]
        if len(partner) == 1:
            differences.setdefault(row["label"], []).append(decades[run] - decades[partner.index[0]])
    return {label: interval(values) for label, values in differences.items()}


def effect(study: StudyTables, field: str, with_value, without_value, name: str) -> str:
    """Answer c and d: what a setting changes, in arms that share everything else, random seeds included."""
    at_init, at_end = (contrast(study, field, with_value, without_value, moment) for moment in ("init", "end"))
    sentences = [
        f"- **{label}**: at init {name} {change(difference)}; at the end of training it {change(at_end[label])}."
        for label, difference in at_init.items()
    ]
    return "\n".join(sentences) or "No two arms of this run differ in this setting alone."


def sigmoid_and_friends(draws: dict[str, np.ndarray], thresholds: dict) -> str:
    """Answer 004's Q5: first over last weight gradient and its verdict at init, for each activation and init."""
    pairs = [key.split("-") for key in draws]
    activations = [name for name in ACTIVATIONS if any(name == pair[0] for pair in pairs)]
    inits = [name for name in INITS if any(name == pair[1] for pair in pairs)]
    lines = [
        "| activation | " + " | ".join(f"{INITS[init]} init" for init in inits) + " |",
        "|---" * (len(inits) + 1) + "|",
    ]
    for activation in activations:
        cells = [_share_of_draws(draws[f"{activation}-{init}"], thresholds) for init in inits]
        lines.append(f"| {ACTIVATIONS[activation]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def printed_inside(draws: dict[str, np.ndarray], low: float = 1, high: float = 99) -> str:
    """Say how many of seed 004's printed norms lie within a band of our draws."""
    inside = total = 0
    for key, printed in PRINTED.items():
        if "-".join(key) in draws:
            a, b = np.percentile(draws["-".join(key)], [low, high], axis=0)
            inside += int(((printed >= a) & (printed <= b)).sum())
            total += len(printed)
    return f"{inside} of the {total} norms that notebook 004 printed lie between {low:g} % and {high:g} % of our draws."


def made_with(study: StudyTables) -> str:
    """Say with which settings, on what and from which commit the runs of a study were made."""
    runs = study.runs
    names = ("dataset", "width", "epochs", "batch_size", "learning_rate", "init", "optimizer")
    alike = [f"{name.replace('_', ' ')} {runs[name].iloc[0]}" for name in names if runs[name].nunique() == 1]
    commits = ", ".join(sorted({str(commit)[:10] for commit in runs["commit"].dropna()})) or "unknown"
    changed = " with uncommitted changes" if (runs["dirty"].astype(str) == "True").any() else ""
    devices = ", ".join(sorted(set(runs["device"].astype(str))))
    return f"*{len(runs)} runs, {'; '.join(alike)}. Device: {devices}. Commit: {commits}{changed}.*"


def ratio(study: StudyTables, label: str, moment: str, upper: tuple[int, str], lower: tuple[int, str]) -> Interval:
    """Return log10 of one layer's gradient over another's, with its interval over seeds; layers are (column, name)."""
    logs = _log_profiles(study, label, moment)
    return interval(logs[:, upper[0]] - logs[:, lower[0]])


def _log_profiles(study: StudyTables, label: str, moment: str, beside: str | None = None) -> np.ndarray:
    """log10 of the activation gradient, [seeds, layers in forward order]; `beside` marks names to leave out."""
    table = study.profiles
    chosen = (table["label"] == label) & (table["moment"] == moment) & (table["quantity"] == ACTIVATION_GRADIENT)
    chosen &= table["depth"] >= 0
    if beside:
        chosen &= ~table["layer"].str.contains(beside)
    wide = table[chosen].pivot(index="run", columns="depth", values="value")
    with np.errstate(divide="ignore"):
        return np.log10(wide.to_numpy())


def _layers_at(study: StudyTables, label: str) -> list[tuple[int, str]]:
    """The first, 2nd, 10th (or second to last) and last layer of an arm, as (column, name)."""
    names = study.layer_names(label)
    columns = (0, 1, min(9, len(names) - 2), len(names) - 1)
    return [(column, names[column]) for column in columns]


def _share_of_draws(norms: np.ndarray, thresholds: dict) -> str:
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log10(norms[:, 0] / norms[:, -2])
    alive = np.isfinite(logs)
    if not alive.any():
        return "all exactly zero"
    low, middle, high = np.percentile(logs[alive], [5, 50, 95])
    dead = "" if alive.all() else f"<br>{1 - alive.mean():.0%} exactly zero"
    said = verdict(interval(logs[alive]), thresholds)
    return f"**{said}**<br>{power(middle)}×<br>({power(low)} … {power(high)}){dead}"


def data_table(datasets: list[dict]) -> str:
    """Tabulate the data sets that were trained on, and name the damaged images that were left out.

    datasets: what each `dataset.json` holds.
    """
    head = ["data set", "classes", "train", "validation", "test", "stored at", "fingerprint"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    notes = []
    for facts in datasets:
        counts = [f"{facts['counts'][part]:,}" for part in ("train", "validation", "test")]
        height, width = facts["stored"]
        cells = [facts["name"], len(facts["classes"]), *counts, f"{width}×{height}", f"`{facts['fingerprint'][:12]}`"]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
        dropped = facts["dropped"]
        if dropped:
            names = ", ".join(dropped[:10]) + (", ..." if len(dropped) > 10 else "")
            what = "1 damaged image was" if len(dropped) == 1 else f"{len(dropped)} damaged images were"
            notes.append(f"From `{facts['name']}` {what} left out: {names}.")
    return "\n".join(lines) + "".join(f"\n\n{note}" for note in notes)
