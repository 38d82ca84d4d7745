"""Depth profiles: how norms go on from layer to layer."""

import numpy as np


def decades_per_layer(values: np.ndarray) -> float:
    """Return the decades that a depth profile gains at each layer on the way to the input; negative: it shrinks.

    The slope of log10 on depth by the median of all pairs' slopes (Theil 1950, Sen 1968), which a few odd layers cannot
    move, with its sign turned.

    Parameters
    ----------
    values : norms in forward order, [layers].

    Returns
    -------
    Decades a layer; NaN with fewer than three positive, finite values.
    """
    return -robust_slope(np.arange(len(values)), values)


def robust_slope(x: np.ndarray, values: np.ndarray) -> float:
    """Return the Theil–Sen slope of log10 of positive values on x; others are left out, NaN with fewer than three."""
    values = np.asarray(values, dtype=float)
    good = np.isfinite(values) & (values > 0)
    if good.sum() < 3:
        return float("nan")
    from scipy import stats  # takes half a second to import

    return float(stats.theilslopes(np.log10(values[good]), np.asarray(x)[good]).slope)
