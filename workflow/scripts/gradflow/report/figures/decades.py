"""The verdict in decades: the activation gradient of the first layer over the last, at four phases of training."""

import numpy as np
from matplotlib.figure import Figure

from gradflow.analysis.statistics import Estimate
from gradflow.analysis.what_helps import InitialArm, arms_of
from gradflow.colours import BLACK, GREY
from gradflow.labels import SHOWN_PHASES
from gradflow.report.figures import report_figure
from gradflow.report.figures._findings import gradient_and_learning
from gradflow.report.figures.style import PHASE_COLOURS, headed, legend_below, whole_ticks


@report_figure("Verdict in decades", category="studies")
def draw(study, thresholds: dict[str, float]) -> Figure:
    """Draw each arm's decades, first layer over last, at each phase, with intervals and the verdicts' thresholds.

    At the right its mean test accuracy, grey where the interval is not above chance, and which phases it lacks.
    """
    table = study.decades()
    arms = arms_of(study, thresholds)
    labels = study.labels
    figure = Figure(figsize=(9, 0.55 * len(labels) + 2.2), layout="constrained")
    axis = figure.subplots()
    finite = [bound for value in table.values() for bound in (value.low, value.high, value.value) if np.isfinite(bound)]
    below, above = thresholds["vanishing_below"], thresholds["exploding_above"]
    low, high = min([below - 1, *finite]) - 0.5, max([above + 1, *finite]) + 0.5
    axis.axvspan(low, below, color="#D55E00", alpha=0.10, lw=0)
    axis.axvspan(above, high, color="#CC79A7", alpha=0.14, lw=0)
    for (label, phase), value in table.items():
        row = labels.index(label) + 0.16 * (list(SHOWN_PHASES).index(phase) - 1.5)
        if np.isfinite(value.low):
            axis.plot([value.low, value.high], [row, row], color=PHASE_COLOURS[phase], lw=2.2, solid_capstyle="butt")
        name = SHOWN_PHASES[phase] if label == labels[0] else None
        axis.plot(value.value, row, "o", ms=5, color=PHASE_COLOURS[phase], label=name, mec="white", mew=0.6)
    axis.set_yticks(range(len(labels)), labels)
    axis.set_ylim(len(labels) - 0.4, -0.6)
    axis.set_xlim(low, high)
    axis.set_xticks(whole_ticks(low, high))
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))
    axis.axvline(0, color=GREY, lw=0.8)
    for x, name, side, up in (
        (low, "vanishing", "left", 0),
        (0, "healthy", "center", 12),
        (high, "exploding", "right", 0),
    ):
        above_it = {"xytext": (0, up), "textcoords": "offset points", "ha": side, "va": "bottom", "color": GREY}
        axis.annotate(name, (x, -0.68), annotation_clip=False, **above_it)
    _beside(axis, study, table, arms)
    axis.set_xlabel("decades of the activation gradient,\nfirst layer over last (95 % interval over random seeds)")
    headed(figure, study.title, gradient_and_learning(list(arms.values())))
    legend_below(figure, axis)
    return figure


def _beside(axis, study, table, arms: dict[str, InitialArm]) -> None:
    """Write the arms' mean test accuracies beside the panel, what they lack below, and what chance is.

    table: `study.decades()`.
    """
    chance = (1 / study.runs.groupby("label")["classes"].first()).map("{:.2f}".format)
    same = chance.nunique() == 1
    at = {"transform": axis.get_yaxis_transform(), "ha": "left"}
    head = f"test accuracy\n(chance {chance.iloc[0]})" if same else "test accuracy\n(chance)"
    axis.text(1.02, -0.68, head, va="bottom", color=GREY, **at)
    for row, (label, arm) in enumerate(arms.items()):
        notes = {phase: _lacks(study, table[label, phase], label, phase) for phase in SHOWN_PHASES}
        notes = {phase: note for phase, note in notes.items() if note}
        said = f"{arm.accuracy.value:.2f}" if np.isfinite(arm.accuracy.value) else "–"
        said += "" if same else f" ({chance[label]})"
        top = row - 0.11 * len(notes)
        axis.text(1.02, top, said, va="center", color=BLACK if arm.learnt else GREY, **at)
        for place, (phase, note) in enumerate(notes.items()):
            axis.text(1.02, top + 0.3 + 0.22 * place, note, va="center", fontsize=7, color=PHASE_COLOURS[phase], **at)


def _lacks(study, value: Estimate, label: str, phase: str) -> str:
    """Say which random seeds an arm lacks at a phase, and why."""
    if value.lost:
        return f"{value.lost} of {value.lost + value.n} random seeds not finite {SHOWN_PHASES[phase]}"
    return study.no_end(label) if phase == "end" else ""
