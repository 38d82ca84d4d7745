"""Learnt alignment: measured minus predicted decades over the first steps of training."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from gradflow.analysis.statistics import estimate_mean
from gradflow.colours import CYCLE, GREY
from gradflow.report.figures import report_figure
from gradflow.report.figures.style import headed, legend_below, means_over, panels
from gradflow.report.prose.depth import alignment_learnt

PANELS = {"residual": "residual: measured − predicted decades", "loss": "training loss, nats"}


@report_figure("Learnt alignment: the residual over training", category=None)
def draw(alignment: pd.DataFrame) -> Figure:
    """Draw the residual, and the loss beside it, against the step: mean and 95 % interval over random seeds."""
    figure, axes = panels(len(PANELS), columns=2, size=(4.6, 3.4))
    for axis, (name, title) in zip(axes, PANELS.items()):
        for colour, (label, rows) in zip(CYCLE, alignment.groupby("label", observed=True, sort=False)):
            found = {step: estimate_mean(values) for step, values in rows.groupby("step")[name]}
            low, mean, high = np.array([(one.low, one.value, one.high) for one in found.values()]).T
            axis.plot(list(found), mean, color=colour, marker="o", ms=4, label=label)
            axis.fill_between(list(found), low, high, color=colour, alpha=0.2, lw=0)
        axis.axhline(0, color=GREY, lw=0.8)
        axis.set_xscale("symlog", linthresh=1)
        axis.set_xlim(-0.2, alignment["step"].max() * 1.2)
        axis.set_xticks(sorted(set(alignment["step"])))
        axis.xaxis.set_major_formatter(ScalarFormatter())
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("updates")
    over = means_over(alignment["seed"].nunique(), "mean and 95 % interval")
    headed(figure, "", alignment_learnt(alignment), over)
    legend_below(figure, axes[0])
    return figure
