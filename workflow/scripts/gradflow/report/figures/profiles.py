"""Random MLPs of one width at initialisation: weight gradients against the layer."""

import numpy as np
from matplotlib.figure import Figure

from gradflow.colours import CYCLE
from gradflow.labels import ACTIVATIONS, INITS
from gradflow.report.figures import report_figure
from gradflow.report.figures.style import legend_below, log_axis, panels


@report_figure("Weight gradients of random MLPs, width {width}")
def draw(random_mlps: dict[int, dict[str, np.ndarray]], width: int) -> Figure:
    """Draw the weight-gradient norm against the layer: a row an activation, a column a depth, a line an init.

    random_mlps: {depth: {"<activation>-<init>": norms [draws, 2·depth]}}. Median and 5–95 % of the draws whose
    gradient is not exactly zero; where more than one draw in a hundred is dead, the panel says how many.
    """
    depths = sorted(random_mlps)
    pairs = [key.split("-") for key in random_mlps[depths[0]]]
    activations = [name for name in ACTIVATIONS if any(name == pair[0] for pair in pairs)]
    inits = [name for name in INITS if any(name == pair[1] for pair in pairs)]
    figure, axes = panels(
        len(activations) * len(depths), columns=len(depths), size=(2.9, 2.0), sharey="row", sharex="col"
    )
    for number, axis in enumerate(axes):
        activation, depth = activations[number // len(depths)], depths[number % len(depths)]
        dead: list[str] = []
        for colour, init in zip(CYCLE, inits):
            weights = random_mlps[depth][f"{activation}-{init}"][:, ::2]
            alive = (weights > 0).all(axis=1)
            dead += [f"{INITS[init]} {1 - alive.mean():.0%}"] if alive.mean() < 0.99 else []
            if not alive.any():
                continue
            low, middle, high = np.percentile(weights[alive], [5, 50, 95], axis=0)
            x = np.arange(1, depth + 1)
            axis.plot(x, middle, color=colour, label=f"{INITS[init]} init")
            axis.fill_between(x, low, high, color=colour, alpha=0.15, lw=0)
        log_axis(axis)
        axis.set_title(f"{ACTIVATIONS[activation]}, {depth} layers", fontsize=9)
        if dead:
            axis.text(0.03, 0.03, "exactly zero:\n" + "\n".join(dead), transform=axis.transAxes, fontsize=6)
        if number % len(depths) == 0:
            axis.set_ylabel("‖∂L/∂W‖")
        if number >= len(axes) - len(depths):
            axis.set_xlabel("layer")
    figure.suptitle(
        f"Weight gradients of random MLPs, width {width}\n(median, 5–95 % of draws that are not exactly zero)"
    )
    legend_below(figure, axes[0])
    return figure
