"""The variance of ln ‖δ‖² over draws of ReLU networks, against the sum of their layers' inverse widths."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gradflow.analysis.statistics import variance_interval
from gradflow.colours import BLACK, CYCLE
from gradflow.report.figures import report_figure
from gradflow.report.figures.style import legend_below, log_axis, panels

THEORY = 5  # Hanin & Nica 2018
APART = 0.06  # of points at one Σ 1/n, as a share of it


@report_figure("Gradients from draw to draw: variance of the log norm")
def draw(log_norm_variance: pd.DataFrame) -> Figure:
    """Draw a point a width and depth with its 95 % interval: the variance, and what it is over Σ 1/n."""
    figure, axes = panels(2, size=(4.6, 3.6))
    reach = log_norm_variance["inverse_widths"].agg(["min", "max"]).to_numpy() * [0.8, 1.5]
    axes[0].plot(reach, THEORY * reach, color=BLACK, lw=1.2, label=f"theory: {THEORY} Σ 1/n")
    axes[1].axhline(THEORY, color=BLACK, lw=1.2)
    for number, (width, rows) in enumerate(log_norm_variance.groupby("width")):
        bounds = np.array([variance_interval(row.variance, row.draws - 1) for row in rows.itertuples()]).T
        places = rows["inverse_widths"] * (1 + APART * number)
        label = f"n = {width}: slope {_said(slope(rows))}"
        for axis, unit in zip(axes, (1, rows["inverse_widths"].to_numpy())):
            values = rows["variance"].to_numpy() / unit
            style = {"color": CYCLE[number % len(CYCLE)], "fmt": "o", "ms": 4.5, "capsize": 2.5, "lw": 1.2}
            axis.errorbar(places, values, abs(bounds / unit - values), label=label, **style)
    for axis in axes:
        log_axis(axis, "x")
        axis.set_xlabel("Σ 1/n over the hidden layers, n their widths")
    log_axis(axes[0], "y")
    axes[0].set_ylabel("variance of ln ‖δ‖² over draws")
    axes[1].set_ylabel("variance of ln ‖δ‖² over Σ 1/n")
    draws = log_norm_variance["draws"].min()
    figure.suptitle(f"ReLU networks, He init, {draws} draws each; slope of all {_said(slope(log_norm_variance))}")
    legend_below(figure, axes[0], columns=3)
    return figure


def slope(rows: pd.DataFrame) -> tuple[float, float, float]:
    """Return the mean of variance over Σ 1/n with its 95 % interval; a point tells as much of it as any other."""
    mean = float((rows["variance"] / rows["inverse_widths"]).mean())
    return mean, *variance_interval(mean, int((rows["draws"] - 1).sum()))


def _said(estimate: tuple[float, float, float]) -> str:
    return "{:.2f} [{:.2f}, {:.2f}]".format(*estimate)
