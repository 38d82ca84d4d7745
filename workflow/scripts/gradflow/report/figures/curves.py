"""Training curves: the loss step by step, and loss and accuracy over the epochs."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from gradflow.report.figures import report_figure
from gradflow.report.figures._findings import lowest_and_highest_loss
from gradflow.report.figures.style import arm_styles, headed, legend_below, log_axis, panels

SMOOTHED = 40  # stretches that a training's steps are averaged over: batches differ
PANELS = {
    "train_loss": "training loss",
    "validation_loss": "validation loss",
    "train_accuracy": "training accuracy",
    "validation_accuracy": "validation accuracy",
}


@report_figure("Training curves", category=None)
def draw(study, results) -> Figure:
    """Draw the training loss by step, validation loss and accuracies by epoch: mean and range over random seeds.

    A loss that spans more than a decade is drawn on a logarithmic axis. That of a step is the mean over a few steps.
    """
    styles = arm_styles(study)
    figure, axes = panels(len(PANELS), columns=2, size=(4.6, 3.0))
    by_step = {label: _losses(results, study.arms.loc[study.arms["label"] == label, "run"]) for label in study.labels}
    for axis, (metric, name) in zip(axes, PANELS.items()):
        drawn = (
            by_step if metric == "train_loss" else {label: _by_epoch(study, label, metric) for label in study.labels}
        )
        for label, curves in drawn.items():
            low, mean, high = (getattr(curves, of)(axis=1) for of in ("min", "mean", "max"))
            marks = {} if metric == "train_loss" else {"marker": "o", "ms": 3}
            axis.fill_between(curves.index, low, high, color=styles[label]["color"], alpha=0.2, lw=0)
            axis.plot(curves.index, mean, label=label, **marks, **styles[label])
        axis.set_title(name)
        axis.set_xlabel("step" if metric == "train_loss" else "epoch")
        axis.xaxis.get_major_locator().set_params(integer=True)
        if metric.endswith("loss"):
            _loss_axis(axis, np.concatenate([curves.to_numpy().ravel() for curves in drawn.values()]))
        else:
            axis.set_ylim(0, 1.02)
    last = {label: _by_epoch(study, label, "train_loss").iloc[-1].mean(skipna=False) for label in study.labels}
    headed(figure, study.title, lowest_and_highest_loss(last), "mean and range over random seeds")
    legend_below(figure, axes[0], columns=2 if len(study.labels) > 6 else 3)
    return figure


def _losses(results, runs) -> pd.DataFrame:
    """The batches' losses of some runs, a column a run: means over short stretches, indexed by their middle step."""
    columns = {run: pd.Series(results[run]["loss"].astype(float), results[run]["step"] + 1) for run in runs}
    losses = pd.DataFrame(columns)
    length = max(1, len(losses) // SMOOTHED)
    number = np.arange(len(losses)) // length
    means = losses.groupby(number).mean()
    return means.set_index(losses.index.to_series().groupby(number).mean().to_numpy())


def _by_epoch(study, label: str, metric: str) -> pd.DataFrame:
    """A metric of an arm's runs, a column a run, indexed by epoch from 1."""
    arm = study.epochs[study.epochs["label"] == label]
    curves = arm.pivot(index="epoch", columns="run", values=metric)
    return curves.set_axis(curves.index + 1)


def _loss_axis(axis, losses: np.ndarray) -> None:
    """Choose the axis of losses by their span; what a diverged run had must not flatten the others."""
    losses = losses[np.isfinite(losses)]
    positive = losses[losses > 0]
    spans = len(positive) > 0 and positive.max() > 10 * positive.min()
    highest = losses.max(initial=0.0) * 1.1 or 1.0
    if spans:
        highest = min(highest, 100 * np.median(positive))
        log_axis(axis)
        if highest < 1e3 * positive.min():
            axis.yaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
            axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.set_ylim(positive.min() / 1.5, highest)
    else:
        axis.set_ylim(0, highest)
    axis.set_ylabel("cross-entropy, nats")
    above = int((losses > highest).sum())
    if above:
        note = f"{above} point{'s' if above > 1 else ''} off the scale"
        axis.text(0.98, 0.97, note, transform=axis.transAxes, ha="right", va="top", fontsize=8)
