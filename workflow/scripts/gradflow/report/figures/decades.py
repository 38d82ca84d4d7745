"""The verdict in decades: the activation gradient of the first layer over the last, at four phases of training."""

import numpy as np
from matplotlib.figure import Figure

from gradflow.colours import GREY
from gradflow.labels import SHOWN_PHASES
from gradflow.report.figures import report_figure
from gradflow.report.figures.style import PHASE_COLOURS, legend_below


@report_figure("Verdict in decades", category="studies")
def draw(study, thresholds: dict[str, float]) -> Figure:
    """Draw each arm's decades, first layer over last, at each phase, with intervals and the verdicts' thresholds."""
    table = study.decades()
    labels = study.labels
    figure = Figure(figsize=(9, 0.55 * len(labels) + 2.0), layout="constrained")
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
        note = study.no_end(label) if phase == "end" else ""
        if value.lost:
            note = f"{value.lost} of {value.lost + value.n} random seeds not finite {SHOWN_PHASES[phase]}"
        if note:
            axis.text(high, row, note, ha="right", va="center", fontsize=7, color=PHASE_COLOURS[phase])
    axis.set_yticks(range(len(labels)), labels)
    axis.set_ylim(len(labels) - 0.4, -0.6)
    axis.set_xlim(low, high)
    axis.axvline(0, color=GREY, lw=0.8)
    for x, name in ((low, "vanishing"), (0, "healthy"), (high, "exploding")):
        align = {low: "left", 0: "center", high: "right"}[x]
        axis.text(x, -0.68, name, ha=align, va="bottom", color=GREY)
    axis.set_xlabel("decades of the activation gradient,\nfirst layer over last (95 % interval over random seeds)")
    axis.set_title(study.title, pad=24)
    legend_below(figure, axis)
    return figure
