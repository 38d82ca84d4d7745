"""The gradient on its way back through an arm: each layer's over the last layer's, and labels at the ends of lines."""

import numpy as np
import pandas as pd

from gradflow.analysis.ablations import ACTIVATION_GRADIENT


def way_back(study, label: str) -> pd.DataFrame:
    """Return log10 of each layer's activation gradient at init over the last's: a row a layer, forward, a column a run.

    Layers of the main path; NaN where a gradient is zero or not finite.
    """
    table = study.profiles
    mine = (table["label"] == label) & (table["phase"] == "init") & (table["quantity"] == ACTIVATION_GRADIENT)
    return _over_last(study.on_main_path(table[mine]), "run", "value")


def predicted_way_back(study, label: str) -> pd.DataFrame:
    """Return the same as it was predicted, a column a random seed; empty where nothing was explained."""
    table = study.theory_layers
    return _over_last(study.on_main_path(table[table["label"] == label]), "seed", "predicted")


def _over_last(table: pd.DataFrame, drawn: str, value: str) -> pd.DataFrame:
    wide = table.pivot_table(index="depth", columns=drawn, values=value, observed=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log10(wide / wide.iloc[-1] if len(wide) else wide)
    return logs.where(np.isfinite(logs))


def label_ends(axis, ends: list[tuple[float, str, str]], size: float, apart: float = 0.07) -> None:
    """Write (value, label, colour) beside the ends of lines at x = 1; size: of letters; apart: share of the axis."""
    ends = sorted(ends)
    least = apart * np.ptp(axis.get_ylim())
    up, down = [value for value, *_ in ends], [value for value, *_ in ends]
    for i in range(1, len(ends)):
        up[i] = max(up[i], up[i - 1] + least)
        down[-i - 1] = min(down[-i - 1], down[-i] - least)
    for (value, label, colour), *places in zip(ends, up, down):
        beside = {"textcoords": axis.get_yaxis_transform(), "va": "center", "fontsize": size}
        line = {"arrowstyle": "-", "color": colour, "lw": 0.8, "relpos": (0, 0.5), "shrinkA": 0, "shrinkB": 0}
        axis.annotate(label, (1, value), (1.06, sum(places) / 2), arrowprops=line, **beside)
