"""The studies at a glance: every arm's verdict at every phase, and how its runs were made."""

from gradflow.analysis.ablations import ACTIVATION_GRADIENT
from gradflow.analysis.study import StudyTables
from gradflow.labels import PHASES
from gradflow.report.wording import accuracy, markdown_table, signed


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
    """Tabulate decades and verdict of every arm at every phase, with its status and test accuracy."""
    decades, verdicts = study.decades(), study.verdicts(thresholds)
    slopes = study.per_arm(study.run_slopes(ACTIVATION_GRADIENT, "init"))
    head = ["arm", *PHASES.values(), "test accuracy, mean (range)", "runs"]
    rows = []
    for label in study.labels:
        runs = study.runs[study.runs["label"] == label]
        cells = [f"**{verdicts[label, phase]}**<br>{signed(decades[label, phase])}" for phase in PHASES]
        cells[0] += f"<br>a layer {signed(slopes[label], 2)}"
        statuses = "<br>".join(f"{count} {status}" for status, count in runs["status"].value_counts().items())
        rows.append([label, *cells, accuracy(runs["test_accuracy"]), statuses])
    return markdown_table(head, rows)


def made_with(study: StudyTables) -> str:
    """Say with which settings, on what and from which commit the runs of a study were made."""
    runs = study.runs
    names = ("dataset", "width", "epochs", "batch_size", "learning_rate", "init", "optimizer")
    alike = [f"{name.replace('_', ' ')} {runs[name].iloc[0]}" for name in names if runs[name].nunique() == 1]
    commits = ", ".join(sorted({str(commit)[:10] for commit in runs["commit"].dropna()})) or "unknown"
    changed = " with uncommitted changes" if runs["dirty"].fillna(False).any() else ""
    devices = ", ".join(sorted(set(runs["device"].astype(str))))
    return f"*{len(runs)} runs, {'; '.join(alike)}. Device: {devices}. Commit: {commits}{changed}.*"
