"""What claims are about: one number a run, by name, read from a study's tables. Norms are on a log10 scale."""

import numpy as np
import pandas as pd

from gradflow.analysis.study import StudyTables
from gradflow.propagation.profile import robust_slope


def decades(study: StudyTables, at: str, quantity: str = "grad_sample_norm") -> pd.Series:
    """Return each run's decades, first layer over last, at a phase."""
    return study.run_decades(quantity, at)


def per_layer(study: StudyTables, at: str, quantity: str = "grad_sample_norm") -> pd.Series:
    """Return each run's decades per layer on the way to the input, by robust regression, at a phase."""
    return study.run_slopes(quantity, at)


def ratio(study: StudyTables, at: str, layers: list[str], quantity: str = "grad_sample_norm") -> pd.Series:
    """Return log10 of one layer's norm over another's at a phase; layers: the two names."""
    table = study.profiles.query("phase == @at and quantity == @quantity")
    norms = table.pivot_table(index="run", columns="layer", values="value").reindex(columns=layers)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log10(norms[layers[0]] / norms[layers[1]])


def lowest(study: StudyTables, layers: list[str], quantity: str = "grad_output_norm") -> pd.Series:
    """Return log10 of a norm that 95 % of the training exceeds at each of the layers; NaN if one norm is NaN."""
    return _share_of_training(study, layers, quantity, 0.05).min(axis=1, skipna=False)


def highest(study: StudyTables, layers: list[str], quantity: str = "grad_output_norm") -> pd.Series:
    """Return log10 of a norm that 5 % of the training exceeds at one of the layers, at most; NaN if one norm is NaN."""
    return _share_of_training(study, layers, quantity, 0.95).max(axis=1, skipna=False)


def lasting_ratio(study: StudyTables, layers: list[str], quantity: str = "grad_output_norm") -> pd.Series:
    """Return log10 of one layer's norm over another's, the median over all training; layers: the two names."""
    logs = _logs_of(study, layers, quantity).pivot_table(index=["run", "time"], columns="layer", values="log")
    logs = logs.reindex(columns=layers)
    with np.errstate(invalid="ignore"):
        return (logs[layers[0]] - logs[layers[1]]).groupby("run").median()


def trend(study: StudyTables, layers: list[str], quantity: str = "grad_sample_norm", over: str = "") -> pd.Series:
    """Return the decades an epoch by which the layers' mean log10 norm changes over training (Theil–Sen slope).

    over: a layer whose norm it is taken relative to, as every gradient shrinks with the loss.
    """
    logs = _logs_of(study, layers, quantity).groupby(["run", "time"])["log"].mean()
    if over:
        logs = logs - _logs_of(study, [over], quantity).groupby(["run", "time"])["log"].mean()
    logs = logs.dropna().reset_index()
    slopes = {run: robust_slope(curve["time"], 10 ** curve["log"]) for run, curve in logs.groupby("run")}
    return pd.Series(slopes, dtype=float)


def column(name: str):
    """Return the measure that reads a column of the table `runs`."""

    def read(study: StudyTables) -> pd.Series:
        return study.per_run[name]

    return read


def overfit(study: StudyTables) -> pd.Series:
    """Return training accuracy minus validation accuracy in the last epoch."""
    runs = study.per_run
    return runs["train_accuracy"] - runs["validation_accuracy"]


MEASURES = {
    "decades": decades,
    "per_layer": per_layer,
    "ratio": ratio,
    "lowest": lowest,
    "highest": highest,
    "lasting_ratio": lasting_ratio,
    "trend": trend,
    "overfit": overfit,
} | {
    name: column(name)
    for name in ("test_accuracy", "train_accuracy", "mean_loss", "loss_jumps", "filters_after", "filters_change")
}


def _share_of_training(study: StudyTables, layers: list[str], quantity: str, share: float) -> pd.DataFrame:
    """Return, run × layer, the norm below which a layer is in this share of the stretches of training.

    An outlying batch or two, as the first after a fault, is no verdict on ten epochs. A stretch that is not finite is.
    """
    logs = _logs_of(study, layers, quantity).groupby(["run", "layer"])["log"]
    return logs.agg(lambda one: one.quantile(share, "lower") if one.notna().all() else np.nan).unstack()


def _logs_of(study: StudyTables, layers: list[str], quantity: str) -> pd.DataFrame:
    """The rows of some layers over training, with log10 of a quantity."""
    table = study.layers[study.layers["layer"].isin(layers)]
    with np.errstate(divide="ignore"):
        return table.assign(log=np.log10(table[quantity]))
