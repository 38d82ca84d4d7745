"""What is drawn from the results themselves: first-layer filters and confusion matrices."""

import math

import numpy as np
from matplotlib.figure import Figure

from gradflow.analysis.filters import smoothness
from gradflow.report.figures import study_figure
from gradflow.report.figures.style import panels, title

FILTERS_SHOWN, FILTERS_A_ROW = 16, 8
NUMBERED = 5  # classes; with more of them the numbers would not be readable


@study_figure("filters", title="First-layer filters")
def filters(study, context) -> Figure:
    """Draw the first convolution's filters of each arm's first seed, before and after training, as tiles.

    Filters of three channels are RGB; of others the mean over the channels is grey. Each picture is scaled to its
    largest magnitude; mid-grey is zero. The smoothness is that of all the layer's filters
    (`gradflow.analysis.filters`). An arm without a convolution says so.
    """
    results = context.results
    first = study.arms.sort_values("seed").drop_duplicates("label").set_index("label")["run"]
    counts = [len(results[run].arrays.get("filters_after", ())) for run in first]
    rows = max(1, math.ceil(max(min(FILTERS_SHOWN, count) for count in counts) / FILTERS_A_ROW))
    figure = Figure(figsize=(9, (0.4 + 0.55 * rows) * len(study.labels) + 0.6), layout="constrained")
    axes = figure.subplots(len(study.labels), 2, squeeze=False)
    for row, label in zip(axes, study.labels):
        run = first[label]
        for axis, phase in zip(row, ("before", "after")):
            weights = results[run].arrays.get(f"filters_{phase}")
            axis.set_axis_off()
            if weights is None:
                axis.set_title(f"{label}: no convolution", fontsize=9)
                continue
            axis.imshow(_tiles(weights), interpolation="nearest")
            axis.set_title(f"{label}: {phase} training{_smooth(weights)}", fontsize=9)
    figure.suptitle(f"{study.title}: filters of the first convolution (one seed)")
    return figure


@study_figure("confusion", title="Confusion matrices")
def confusion_matrices(study, context) -> Figure:
    """Draw each arm's confusion matrix on the test images, all seeds together, as shares of the true class."""
    figure, axes = panels(len(study.labels), size=(3.3, 3.1))
    for axis, label in zip(axes, study.labels):
        runs = list(study.arms.loc[study.arms["label"] == label, "run"])
        matrix = sum(context.results[run]["confusion_matrix"] for run in runs)
        shares = matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
        image = axis.imshow(shares, cmap="viridis", vmin=0, vmax=1)
        classes = context.results[runs[0]].meta["classes"]
        if len(classes) <= 20:
            axis.set_xticks(range(len(classes)), classes, fontsize=7, rotation=90 if max(map(len, classes)) > 2 else 0)
            axis.set_yticks(range(len(classes)), classes, fontsize=7)
        if len(classes) <= NUMBERED:
            for (row, column), share in np.ndenumerate(shares):
                colour = "black" if share > 0.6 else "white"
                axis.text(column, row, f"{share:.2f}", ha="center", va="center", color=colour, fontsize=8)
        axis.grid(False)
        title(axis, label, f"accuracy {np.trace(matrix) / max(1, matrix.sum()):.2f}", fontsize=9)
        axis.set_xlabel("predicted")
    axes[0].set_ylabel("true")
    figure.colorbar(image, ax=axes, shrink=0.6, label="share of the true class")
    figure.suptitle(f"{study.title}: confusion on the test images")
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
