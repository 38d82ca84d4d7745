"""Stacked bars of what a gradient's decades are owed to, with what was measured on top."""

import numpy as np
import pandas as pd

from gradflow.causes import CAUSES
from gradflow.colours import BLACK
from gradflow.propagation.picture import COLOURS

SHOWN = 0.05  # decades of a cause anywhere, for it to have an entry in the legend
HEIGHT = 0.7


def stacked_causes(axis, means: pd.DataFrame, rows: list[float]) -> None:
    """Draw a bar a row: losses to the left of zero and gains to the right, the sum predicted and measured as marks.

    means: decades by cause, `measured` and `predicted`, a line a bar; none for one of NaN. rows: where each stands.
    """
    rows, left, right = np.array(rows, dtype=float), np.zeros(len(means)), np.zeros(len(means))
    for cause, name in CAUSES.items():
        values = np.nan_to_num(means[cause].to_numpy(dtype=float))
        if np.abs(values).max(initial=0) < SHOWN:
            continue
        start = np.where(values < 0, left, right)
        axis.barh(rows, values, HEIGHT, left=start, color=COLOURS[cause], label=name, lw=0)
        left, right = left + np.minimum(values, 0), right + np.maximum(values, 0)
    marks = {"zorder": 5, "linestyle": "none", "markeredgecolor": BLACK}
    axis.plot(means["predicted"], rows, "|", ms=9, mew=1.6, **marks, label="predicted: their sum")
    axis.plot(means["measured"], rows, "o", ms=5, color="white", **marks, label="measured")
    axis.axvline(0, color=BLACK, lw=0.8)
    axis.set_axisbelow(True)
    axis.use_sticky_edges = False  # room beside the longest bar
    axis.margins(x=0.03)
    axis.set_xlabel("decades, first layer over last")
