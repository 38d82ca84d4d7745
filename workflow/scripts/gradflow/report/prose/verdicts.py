"""The studies at a glance: every arm's verdict at every phase, and how its runs were made."""

from math import isfinite, log10

from gradflow.analysis.ablations import ACTIVATION_GRADIENT
from gradflow.analysis.study import StudyTables
from gradflow.analysis.verdicts import arm_verdicts
from gradflow.labels import SHOWN_PHASES
from gradflow.report.wording import accuracy, markdown_table, plain, power, signed


def verdict_key(thresholds: dict) -> str:
    """Say what the words of the verdicts and statuses mean."""
    below, above = (f"{thresholds[name]:+g}".replace("-", "−") for name in ("vanishing_below", "exploding_above"))
    update, gradient = (power(log10(thresholds[name])) for name in ("dead_update", "dead_gradient"))
    return (
        f"At or below {below} decades, first layer over last, a profile is called **vanishing**, at or above {above} "
        "**exploding**, in between **healthy**; where the interval straddles a threshold it is **undecided**, as it is "
        "where the robust slope over all layers does not agree with the two ends. A profile says nothing of the "
        f"gradient's size: an arm is **dead** where an update moves its first layer by less than {update} of its "
        "weights, under SGD by ‖ΔW‖/‖W‖, at init by ‖∂L/∂W‖/‖W‖; under Adam and its kind, whose updates are lively "
        f"whatever the gradient, where the root mean square of ∂L/∂W is below {gradient}. Else it is **alive**. The "
        "verdict is not about learning: a healthy profile may belong to a network that has not learnt yet. A run is "
        "*stalled* if it ended no better than guessing, *diverged* if its loss stopped being finite; it then has no "
        "end, which is the last quarter of a run that trained."
    )


def verdict_table(study: StudyTables, thresholds: dict) -> str:
    """Tabulate decades and verdict of every arm at every phase, with its status and test accuracy."""
    decades, verdicts = study.decades(), arm_verdicts(study, thresholds)
    slopes = study.per_arm(study.run_slopes(ACTIVATION_GRADIENT, "init"))
    head = ["arm", *SHOWN_PHASES.values(), "test accuracy, mean (range)", "runs"]
    rows = []
    for label in study.labels:
        runs = study.runs[study.runs["label"] == label]
        cells = [f"**{verdicts[label, phase]}**<br>{signed(decades[label, phase])}" for phase in SHOWN_PHASES]
        cells[0] += f"<br>a layer {signed(slopes[label], 2)}"
        statuses = "<br>".join(f"{count} {status}" for status, count in runs["status"].value_counts().items())
        rows.append([plain(label), *cells, accuracy(runs["test_accuracy"]), statuses])
    return markdown_table(head, rows)


def not_learnt(study: StudyTables, thresholds: dict, finding: str = "") -> str:
    """Name the arms that have not learnt, with their mean training accuracy in the last epoch.

    finding: the study's sentence on why that is what it is about, shown where some arm has not.
    """
    least = thresholds["learnt_above"]
    runs = study.runs.groupby("label")["train_accuracy"]
    reached = {label: runs.get_group(label).mean(skipna=False) for label in study.labels}
    named = [f"{plain(label)} ({_share(value)})" for label, value in reached.items() if not value >= least]
    if not named:
        return f"Every arm has learnt: a mean training accuracy of {least:g} or more in the last epoch."
    said = f"**Not learnt** (mean training accuracy in the last epoch below {least:g}): {'; '.join(named)}."
    return f"{said} *{plain(finding)}*" if finding else said


def _share(value: float) -> str:
    return f"{value:.2f}" if isfinite(value) else "not finite"


def made_with(study: StudyTables) -> str:
    """Say with which settings, on what and from which commit the runs of a study were made."""
    runs = study.runs
    names = ("dataset", "width", "epochs", "batch_size", "learning_rate", "init", "optimizer")
    alike = [f"{name.replace('_', ' ')} {plain(runs[name].iloc[0])}" for name in names if runs[name].nunique() == 1]
    commits = ", ".join(sorted({str(commit)[:10] for commit in runs["commit"].dropna()})) or "unknown"
    changed = " with uncommitted changes" if runs["dirty"].fillna(False).any() else ""
    devices = plain(", ".join(sorted(set(runs["device"].astype(str)))))
    return f"*{len(runs)} runs, {'; '.join(alike)}. Device: {devices}. Commit: {commits}{changed}.*"


def how_many_learnt(studies: list[StudyTables], thresholds: dict) -> str:
    """Say how many runs, and how many distinct arms, reached the training accuracy that counts as learnt."""
    if not studies:
        return ""
    least = thresholds["learnt_above"]
    arms = {frozenset(rows["run"]): rows for study in studies for _, rows in study.runs.groupby("label", observed=True)}
    learnt = sum(rows["train_accuracy"].mean(skipna=False) >= least for rows in arms.values())
    said = f"Of {len(arms)} distinct arms {learnt} have learnt (a mean training accuracy of {least:g} or more in the "
    return said + "last epoch); those that have not are named, and why, in [their studies](#e)."
