"""A number for what pictures of first-layer filters show."""

import numpy as np


def smoothness(filters: np.ndarray) -> float:
    """Return the lag-one autocorrelation of filters [n, channels, k, k] over horizontal and vertical neighbours.

    1: neighbouring weights are equal; 0: they have nothing to do with each other, which is what every independent
    initialisation gives at any kernel size; −1: a chequerboard. The mean is not taken off, so that filters of few
    pixels are not biased. NaN for filters of one pixel, of zeros, or that are not finite.
    """
    filters = np.asarray(filters, dtype=float)
    across = filters[..., :, 1:] * filters[..., :, :-1]
    down = filters[..., 1:, :] * filters[..., :-1, :]
    pairs = across.size + down.size
    power = np.mean(filters**2) if pairs else 0
    return float((across.sum() + down.sum()) / pairs / power) if power > 0 else float("nan")
