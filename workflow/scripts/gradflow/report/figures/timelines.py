"""Gradient norms and training curves over time."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gradflow.recorder.quantities import LABELS
from gradflow.report.figures import study_figure
from gradflow.report.figures.style import (
    arm_styles,
    depth_colours,
    first_of_rows,
    legend_below,
    log_axis,
    panels,
    title,
    wrapped,
)


@study_figure("layers", title="Every layer over time")
def every_layer_over_time(study, context) -> Figure:
    """Draw every layer's norm over time (`layers_over_time`)."""
    return layers_over_time(study)


@study_figure("layers_named", title="Named layers over time")
def named_layers_over_time(study, context) -> Figure:
    """Draw the norm over time of the layers that the study names (`layers_over_time`)."""
    return layers_over_time(study, context.layers)


def layers_over_time(study, layers: dict[str, list[str]] | None = None, quantity: str = "grad_sample_norm") -> Figure:
    """Draw one panel an arm: each layer's mean norm over time, the geometric mean over seeds.

    layers: names by architecture to draw and to name, as `StudyTables.named_layers` takes them; None draws every layer,
    first (dark) to last (light).
    """
    table = study.layers[study.layers["depth"] >= 0]
    figure, axes = panels(len(study.labels), sharey=True)
    shared = study.arms["architecture"].nunique() == 1  # the same layers in every panel: one legend for all
    for axis, label in zip(axes, study.labels):
        arm = table[table["label"] == label]
        if layers is not None:
            arm = arm[arm["layer"].isin(study.named_layers(label, layers))]
        names = [name for name in study.layer_names(label) if name in set(arm["layer"])]
        logs = arm.assign(log=np.log10(arm[quantity].where((arm[quantity] > 0) & np.isfinite(arm[quantity]))))
        lines = logs.pivot_table(index="time", columns="layer", values="log", aggfunc="mean")
        for name, colour in zip(names, depth_colours(len(names))):
            if name in lines:
                axis.plot(lines.index, 10 ** lines[name], color=colour, lw=1.0 if layers is None else 1.6, label=name)
        log_axis(axis)
        title(axis, label)
        axis.set_xlabel("epoch")
        if layers is not None and not shared:
            axis.legend(fontsize=7, handlelength=1)
    for axis in first_of_rows(axes):
        axis.set_ylabel(wrapped(LABELS[quantity]))
    if layers is not None and shared:
        legend_below(figure, axes[0], columns=6)
    which = "every layer, first (dark) to last (light)" if layers is None else "the named layers"
    figure.suptitle(f"{study.title}: gradient over time,\n{which}")
    return figure


@study_figure("curves", title="Training curves")
def training_curves(study, context) -> Figure:
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
