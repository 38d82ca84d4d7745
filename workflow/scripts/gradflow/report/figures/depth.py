"""Networks of growing depth at initialisation: what each kind does to the gradient."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gradflow.analysis.statistics import estimate_mean
from gradflow.colours import BLUE, GREEN, GREY, ORANGE, VERMILLION
from gradflow.report.figures import report_figure
from gradflow.report.figures.style import headed, legend_below, means_over, panels
from gradflow.report.prose.depth import evenness

KINDS = {
    (True, True): ("skip, BN", GREEN, "-"),
    (True, False): ("skip, no BN", BLUE, "--"),
    (False, True): ("no skip, BN", ORANGE, "-"),
    (False, False): ("no skip, no BN", VERMILLION, "--"),
}
PANELS = {
    "decades": "decades, first layer over last",
    "correlation": "correlation of nearby images' gradients",
    "branch_exponent": "exponent of branch over skip, by block number",
}


@report_figure("Gradient, correlation and branches against depth")
def draw(depth_at_init: pd.DataFrame) -> Figure:
    """Draw each number against depth, a line a kind of network: mean and 95 % interval over random seeds."""
    figure, axes = panels(len(PANELS), size=(3.8, 3.2))
    for axis, (name, title) in zip(axes, PANELS.items()):
        for (skip, batch_norm), (label, colour, dashes) in KINDS.items():
            chosen = (depth_at_init["skip"] == skip) & (depth_at_init["batch_norm"] == batch_norm)
            rows = depth_at_init[chosen].dropna(subset=name)
            found = {depth: estimate_mean(values) for depth, values in rows.groupby("depth")[name]}
            low, mean, high = np.array([(one.low, one.value, one.high) for one in found.values()]).reshape(-1, 3).T
            axis.plot(list(found), mean, dashes, color=colour, marker="o", ms=4, label=label)
            axis.fill_between(list(found), low, high, color=colour, alpha=0.2, lw=0)
        axis.axhline(0, color=GREY, lw=0.8)
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("layers")
        axis.set_xticks(sorted(set(depth_at_init["depth"])))
    draws = depth_at_init.groupby(["depth", "skip", "batch_norm"]).size().min()
    over = means_over(draws, "mean and 95 % interval")
    headed(figure, "", evenness(depth_at_init), f"CIFAR ResNets at initialisation, He init; {over}")
    legend_below(figure, axes[0])
    return figure
