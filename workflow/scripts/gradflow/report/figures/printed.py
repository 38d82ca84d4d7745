"""Notebook 004's printed gradient norms among those of random MLPs of the same kind."""

import numpy as np
from matplotlib.figure import Figure

from gradflow.colours import BLACK, BLUE
from gradflow.labels import ACTIVATIONS, INITS
from gradflow.propagation.notebook_004 import PRINTED
from gradflow.report.figures import report_figure
from gradflow.report.figures.style import legend_below, log_axis, panels

PARAMETERS = [f"{kind}{layer}" for layer in range(1, 6) for kind in ("W", "b")]


@report_figure("Notebook 004's printed norms", category=None)
def draw(notebook_004: dict[str, np.ndarray]) -> Figure:
    """Draw the distribution of each parameter's gradient norm with the value that notebook 004 printed for one network.

    notebook_004: {"<activation>-<init>": norms [draws, 10]} of depth 5 and width 10; a network
    that was not drawn is left out.
    """
    shown = [(key, printed) for key, printed in PRINTED.items() if "-".join(key) in notebook_004]
    figure, axes = panels(len(shown), columns=2, size=(4.8, 2.9), sharey=True)
    for axis, ((activation, init), printed) in zip(axes, shown):
        norms = notebook_004[f"{activation}-{init}"]
        x = np.arange(len(printed))
        for low, high, alpha in ((1, 99, 0.15), (25, 75, 0.3)):
            a, b = np.percentile(norms, [low, high], axis=0)
            axis.bar(x, b - a, bottom=a, width=0.7, color=BLUE, alpha=alpha, lw=0, label=f"{low}–{high} % of draws")
        axis.plot(x, np.median(norms, axis=0), "_", ms=12, mew=2, color=BLUE, label="median")
        axis.plot(x, printed, "o", ms=4, color=BLACK, label="printed in notebook 004")
        log_axis(axis)
        bottom = min(np.percentile(notebook_004["-".join(key)], 1) for key, _ in shown)
        axis.set_ylim(min(bottom, *(min(norms) for _, norms in shown)) / 2, None)
        axis.set_xticks(x, PARAMETERS)
        axis.set_title(f"{ACTIVATIONS[activation]}, {INITS[init]} init")
    for axis in axes[::2]:
        axis.set_ylabel("‖∂L/∂parameter‖₂")
    figure.suptitle(f"Notebook 004: its four networks among {len(norms):,} random ones each (5 layers of 10 units)")
    legend_below(figure, axes[0])
    return figure
