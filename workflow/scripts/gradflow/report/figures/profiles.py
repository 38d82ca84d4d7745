"""Random MLPs of one width at initialisation: weight gradients against the layer."""

import numpy as np
from matplotlib.figure import Figure

from gradflow.colours import CYCLE, GREY
from gradflow.labels import ACTIVATIONS, INITS
from gradflow.report.figures import report_figure
from gradflow.report.figures.style import headed, legend_below, log_axis, panels
from gradflow.report.wording import power

DASHED = "lecun"  # where a layer's two widths are equal its weights are Xavier's, and both lines must be seen


@report_figure("Weight gradients of random MLPs, width {width}")
def draw(random_mlps: dict[int, dict[str, np.ndarray]], width: int, thresholds: dict[str, float]) -> Figure:
    """Draw the weight-gradient norm against the layer: a row an activation, a column a depth, a line an init.

    random_mlps: {depth: {"<activation>-<init>": norms [draws, 2·depth]}}. Median and 5–95 % of the draws whose
    gradient is not exactly zero; where more than one draw in a hundred is dead, the panel says how many, and the sizes
    of the first layer's medians. All panels have one axis; below the dotted line a gradient is dead.
    """
    depths = sorted(random_mlps)
    pairs = [key.split("-") for key in random_mlps[depths[0]]]
    activations = [name for name in ACTIVATIONS if any(name == pair[0] for pair in pairs)]
    inits = [name for name in INITS if any(name == pair[1] for pair in pairs)]
    figure, axes = panels(
        len(activations) * len(depths), columns=len(depths), size=(2.9, 2.0), sharey=True, sharex="col"
    )
    dead_below = thresholds["dead_gradient"]
    first: dict[str, float] = {}
    log_axis(axes[0])
    for number, axis in enumerate(axes):
        activation, depth = activations[number // len(depths)], depths[number % len(depths)]
        notes: list[str] = []
        here: list[float] = []
        for colour, init in zip(CYCLE, inits):
            weights = random_mlps[depth][f"{activation}-{init}"][:, ::2]
            alive = (weights > 0).all(axis=1)
            notes += [f"exactly zero: {INITS[init]} {1 - alive.mean():.0%}"] if alive.mean() < 0.99 else []
            if not alive.any():
                continue
            low, middle, high = np.percentile(weights[alive], [5, 50, 95], axis=0)
            x = np.arange(1, depth + 1)
            axis.plot(x, middle, color=colour, ls="--" if init == DASHED else "-", label=f"{INITS[init]} init")
            axis.fill_between(x, low, high, color=colour, alpha=0.15, lw=0)
            first[f"{ACTIVATIONS[activation]}, {depth} layers, {INITS[init]} init"] = middle[0]
            here.append(middle[0])
        axis.axhline(dead_below, color=GREY, lw=1, ls=":", label=f"dead below {power(np.log10(dead_below))}")
        axis.set_title(f"{ACTIVATIONS[activation]}, {depth} layers", fontsize=9)
        sizes = " … ".join(power(np.log10(of(here))) for of in (min, max) if here)
        notes = [f"layer 1: {sizes}", *notes] if here else notes
        axis.text(0.97, 0.03, "\n".join(notes), transform=axis.transAxes, fontsize=7, ha="right", va="bottom")
        if number % len(depths) == 0:
            axis.set_ylabel("‖∂L/∂W‖")
        if number >= len(axes) - len(depths):
            axis.set_xlabel("layer")
    note = "median, 5–95 % of draws that are not exactly zero"
    if {"xavier", DASHED} <= {*inits}:
        note += "; Xavier = LeCun where a layer's two widths are equal"
    headed(figure, f"Random MLPs, width {width}", _how_small(first, dead_below), note)
    legend_below(figure, axes[0])
    return figure


def _how_small(first: dict[str, float], dead_below: float) -> str:
    """Say in how many kinds of networks the first layer's median gradient is dead, and which is smallest."""
    if not first:
        return "every gradient is exactly zero"
    dead, least = sum(size < dead_below for size in first.values()), min(first, key=lambda name: first[name])
    count = f"{dead or 'none'} of {len(first)}"
    smallest = f"smallest {power(np.log10(first[least]))}, {least}"
    return f"the first layer's gradient is dead in {count} kinds of networks ({smallest})"
