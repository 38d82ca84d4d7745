"""Notebook 004's multilayer perceptrons: the distribution of gradient norms at initialisation."""

import numpy as np
from matplotlib.figure import Figure

from gradflow.colours import BLACK, BLUE, CYCLE
from gradflow.labels import ACTIVATIONS, INITS
from gradflow.propagation.notebook_004 import PRINTED
from gradflow.report.figures.style import legend_below, log_axis, panels

PARAMETERS = [f"{kind}{layer}" for layer in range(1, 6) for kind in ("W", "b")]


def printed_norms(draws: dict[str, np.ndarray]) -> Figure:
    """Draw the distribution of each parameter's gradient norm with the value that notebook 004 printed for one network.

    draws: {"<activation>-<init>": norms [draws, 10]} of depth 5 and width 10; a network that was not drawn is left out.
    """
    shown = [(key, printed) for key, printed in PRINTED.items() if "-".join(key) in draws]
    figure, axes = panels(len(shown), columns=2, size=(4.8, 2.9), sharey=True)
    for axis, ((activation, init), printed) in zip(axes, shown):
        norms = draws[f"{activation}-{init}"]
        x = np.arange(len(printed))
        for low, high, alpha in ((1, 99, 0.15), (25, 75, 0.3)):
            a, b = np.percentile(norms, [low, high], axis=0)
            axis.bar(x, b - a, bottom=a, width=0.7, color=BLUE, alpha=alpha, lw=0, label=f"{low}–{high} % of draws")
        axis.plot(x, np.median(norms, axis=0), "_", ms=12, mew=2, color=BLUE, label="median")
        axis.plot(x, printed, "o", ms=4, color=BLACK, label="printed in notebook 004")
        log_axis(axis)
        bottom = min(np.percentile(draws["-".join(key)], 1) for key, _ in shown)
        axis.set_ylim(min(bottom, *(min(norms) for _, norms in shown)) / 2, None)
        axis.set_xticks(x, PARAMETERS)
        axis.set_title(f"{ACTIVATIONS[activation]}, {INITS[init]} init")
    for axis in axes[::2]:
        axis.set_ylabel("‖∂L/∂parameter‖₂")
    figure.suptitle(f"Notebook 004: its four networks among {len(norms):,} random ones each (5 layers of 10 units)")
    legend_below(figure, axes[0])
    return figure


def weight_profiles(draws: dict[int, dict[str, np.ndarray]], width: int) -> Figure:
    """Draw the weight-gradient norm against the layer: a row an activation, a column a depth, a line an init.

    draws: {depth: {"<activation>-<init>": norms [draws, 2·depth]}}. Median and 5–95 % of the draws whose gradient is
    not exactly zero; where more than one draw in a hundred is dead, the panel says how many.
    """
    depths = sorted(draws)
    pairs = [key.split("-") for key in draws[depths[0]]]
    activations = [name for name in ACTIVATIONS if any(name == pair[0] for pair in pairs)]
    inits = [name for name in INITS if any(name == pair[1] for pair in pairs)]
    figure, axes = panels(
        len(activations) * len(depths), columns=len(depths), size=(2.9, 2.0), sharey="row", sharex="col"
    )
    for number, axis in enumerate(axes):
        activation, depth = activations[number // len(depths)], depths[number % len(depths)]
        dead: list[str] = []
        for colour, init in zip(CYCLE, inits):
            weights = draws[depth][f"{activation}-{init}"][:, ::2]
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
