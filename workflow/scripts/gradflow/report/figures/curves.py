"""Training curves: loss and accuracy over the epochs."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gradflow.report.figures import report_figure
from gradflow.report.figures.style import arm_styles, legend_below, panels


@report_figure("Training curves", category=None)
def draw(study) -> Figure:
    """Draw loss and accuracy of training and validation: a thin line a random seed, a thick one for an arm's mean."""
    styles = arm_styles(study)
    figure, axes = panels(4, columns=2, size=(4.6, 3.0), sharex=True)
    for axis, (part, metric) in zip(axes, [(p, m) for m in ("loss", "accuracy") for p in ("train", "validation")]):
        for label in study.labels:
            arm = study.epochs[study.epochs["label"] == label]
            curves = arm.pivot(index="epoch", columns="run", values=f"{part}_{metric}")
            epochs = curves.index + 1
            axis.plot(epochs, curves, lw=0.6, alpha=0.6, **styles[label])
            axis.plot(epochs, curves.mean(axis=1), label=label, marker="o", ms=3, **styles[label])
        axis.set_title(f"{'training' if part == 'train' else part} {metric}")
        axis.set_xlabel("epoch")
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.set_xlim(0.5, study.epochs["epoch"].max() + 1.5)
        if metric == "accuracy":
            axis.set_ylim(0, 1.02)
        else:
            highest = _highest_loss(study.epochs)
            axis.set_ylim(0, highest)
            above = int((study.epochs[f"{part}_{metric}"] > highest).sum())
            if above:
                note = f"{above} points off the scale"
                axis.text(0.98, 0.97, note, transform=axis.transAxes, ha="right", va="top", fontsize=8)
            axis.set_ylabel("cross-entropy, nats")
    figure.suptitle(f"{study.title}: training curves")
    legend_below(figure, axes[0], columns=2 if len(study.labels) > 6 else 3)
    return figure


def _highest_loss(epochs: pd.DataFrame) -> float:
    """The top of the loss axis: a diverged run must not flatten the others."""
    losses = epochs[["train_loss", "validation_loss"]].to_numpy()
    losses = losses[np.isfinite(losses)]
    return float(min(losses.max(), 3 * np.median(losses)) * 1.1) if len(losses) else 1.0
