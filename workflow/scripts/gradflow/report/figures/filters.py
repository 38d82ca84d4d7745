"""First-layer filters before and after training."""

import math

import numpy as np
from matplotlib.figure import Figure

from gradflow.analysis.filters import smoothness
from gradflow.report.figures import report_figure
from gradflow.report.figures.style import title

FILTERS_SHOWN, FILTERS_A_ROW = 16, 8


@report_figure("First-layer filters", category=None)
def draw(study, results) -> Figure:
    """Draw the first convolution's filters of each arm's first seed, before and after training, as tiles.

    Filters of three channels are RGB; of others the mean over the channels is grey. Each picture is scaled to its
    largest magnitude; mid-grey is zero. The smoothness is that of all the layer's filters
    (`gradflow.analysis.filters`). An arm without a convolution says so.
    """
    first = study.arms.sort_values("seed").drop_duplicates("label").set_index("label")["run"]
    counts = [len(results[run].arrays.get("filters_after", ())) for run in first]
    rows = max(1, math.ceil(max(min(FILTERS_SHOWN, count) for count in counts) / FILTERS_A_ROW))
    figure = Figure(figsize=(9, (0.65 + 0.55 * rows) * len(study.labels) + 0.6), layout="constrained")
    axes = figure.subplots(len(study.labels), 2, squeeze=False)
    for row, label in zip(axes, study.labels):
        run = first[label]
        for axis, phase in zip(row, ("before", "after")):
            weights = results[run].arrays.get(f"filters_{phase}")
            axis.set_axis_off()
            if weights is None:
                title(axis, label, "no convolution", fontsize=9)
                continue
            axis.imshow(_tiles(weights), interpolation="nearest")
            title(axis, label, f"{phase} training{_smooth(weights)}", fontsize=9)
    figure.suptitle(f"{study.title}: filters of the first convolution (one random seed)")
    return figure


def _tiles(weights: np.ndarray) -> np.ndarray:
    """Lay filters [n, channels, k, k] out as one RGB image with a white gap of one pixel."""
    weights = weights[:FILTERS_SHOWN]
    if weights.shape[1] != 3:
        weights = np.repeat(weights.mean(axis=1, keepdims=True), 3, axis=1)
    scale = np.abs(weights[np.isfinite(weights)]).max(initial=1e-12)
    shown = np.nan_to_num(0.5 + weights / (2 * scale), nan=1.0).clip(0, 1)
    side = weights.shape[-1]
    columns = min(FILTERS_A_ROW, len(weights))
    rows = math.ceil(len(weights) / columns)
    canvas = np.ones((rows * (side + 1) - 1, columns * (side + 1) - 1, 3))
    for i, tile in enumerate(shown):
        y, x = (i // columns) * (side + 1), (i % columns) * (side + 1)
        canvas[y : y + side, x : x + side] = tile.transpose(1, 2, 0)
    return canvas


def _smooth(weights: np.ndarray) -> str:
    number = smoothness(weights)
    return f", smoothness {number:+.2f}" if np.isfinite(number) else ""
