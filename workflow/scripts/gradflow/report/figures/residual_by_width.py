"""What the theory leaves over against width, for a few networks."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from gradflow.colours import CYCLE, GREY
from gradflow.report.figures import report_figure
from gradflow.report.figures.style import legend_below, log_axis, panels

MARKS = "os^Dv"


@report_figure("What the theory leaves over, against width")
def draw(residual_by_width: pd.DataFrame) -> Figure:
    """Draw a point a random seed, and a line through the mean of |residual|."""
    figure, (axis,) = panels(1, size=(7.2, 4.2))
    table = residual_by_width.assign(size=residual_by_width["residual"].abs())
    widths = np.array(sorted(table["width"].unique()))
    for (name, rows), colour, mark in zip(table.groupby("network", sort=False), CYCLE, MARKS):
        mean = rows.groupby("width")["size"].mean()
        axis.plot(rows["width"], rows["size"], mark, color=colour, ms=4.5, alpha=0.4, mew=0)
        axis.plot(mean.index, mean, color=colour, marker=mark, ms=7.5, label=name)
    axis.plot(widths, table["size"].max() * widths[0] / widths, ":", color=GREY, label="∝ 1/width")
    log_axis(axis, "y")
    axis.set_xscale("log", base=2)
    axis.set_xticks(widths, [f"{width:g}" for width in widths])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set(xlabel="width multiplier", ylabel="|measured − predicted|, decades first layer over last")
    figure.suptitle(
        f"What the theory leaves over (default init, {table['seed'].nunique()} random seeds and their mean)"
    )
    legend_below(figure, axis)
    return figure
