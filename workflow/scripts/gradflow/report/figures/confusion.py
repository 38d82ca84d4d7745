"""Confusion matrices on the test images."""

import numpy as np
from matplotlib.figure import Figure

from gradflow.report.figures import report_figure
from gradflow.report.figures.style import panels, title

NUMBERED = 5  # classes; with more of them the numbers would not be readable


@report_figure("Confusion matrices", category=None)
def draw(study, results) -> Figure:
    """Draw each arm's confusion matrix on the test images, all random seeds together, as shares of the true class."""
    figure, axes = panels(len(study.labels), size=(3.3, 3.6))
    for axis, label in zip(axes, study.labels):
        runs = list(study.arms.loc[study.arms["label"] == label, "run"])
        matrix = sum(results[run]["confusion_matrix"] for run in runs)
        shares = matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
        image = axis.imshow(shares, cmap="viridis", vmin=0, vmax=1)
        classes = results[runs[0]].meta["classes"]
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
