"""Trainable depth: how well tanh networks have trained, by depth and variance of the weights, with the line 6 ξ."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from gradflow.colours import BLACK, VERMILLION
from gradflow.report.figures import report_figure
from gradflow.report.figures.style import panels


@report_figure("Trainable depth of tanh networks")
def draw(trainable_depth: pd.DataFrame) -> Figure:
    """Draw the training accuracy, mean over random seeds, and 6 ξ over it."""
    means = trainable_depth.pivot_table("train_accuracy", "depth", "weight_variance")
    lengths = trainable_depth.groupby("weight_variance")["correlation_length"].first()
    variances, depths = means.columns.to_numpy(), means.index.to_numpy()
    figure, (axis,) = panels(1, size=(7.2, 4.2))
    edges = np.exp(_edges(np.log(depths)))
    mesh = axis.pcolormesh(_edges(variances), edges, means.to_numpy(), cmap="viridis", vmin=0, vmax=1)
    mesh.set_rasterized(True)
    for style in ({"color": BLACK, "lw": 3.4}, {"color": VERMILLION, "lw": 2.2, "label": "6 ξ (correlation length)"}):
        axis.plot(lengths.index, 6 * lengths, marker="o", ms=4, **style)
    axis.set_yscale("log")
    axis.set_yticks(depths, [str(depth) for depth in depths])
    axis.yaxis.set_minor_locator(NullLocator())
    axis.set(ylim=edges[[0, -1]], xlim=_edges(variances)[[0, -1]])
    axis.set(xlabel="σ_w², fan-in times the variance of a weight at init", ylabel="hidden layers")
    axis.grid(False)
    figure.colorbar(mesh, label="training accuracy at the end")
    figure.legend(loc="outside lower center")
    figure.suptitle(f"Trainable depth of tanh networks (mean over {_seeds(trainable_depth)})")
    return figure


def _edges(values: np.ndarray) -> np.ndarray:
    """Cells with these values inside: edges half-way between neighbours."""
    between = (values[1:] + values[:-1]) / 2 if len(values) > 1 else values + 0.5
    return np.concatenate([[2 * values[0] - between[0]], between, [2 * values[-1] - between[-1]]][: len(values) + 1])


def _seeds(table: pd.DataFrame) -> str:
    count = table["seed"].nunique()
    return f"{count} random seed{'s' if count > 1 else ''}"
