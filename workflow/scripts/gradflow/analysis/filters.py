"""A number for what pictures of first-layer filters show."""

import numpy as np


def smoothness(filters: np.ndarray) -> float:
    """Return the autocorrelation of filters [n, channels, k, k] over horizontal and vertical neighbours.

    Neighbours are a third of the kernel's side apart, one pixel of a 3×3 kernel and two of a 7×7 one, so that filters
    of different sizes compare.

    1: neighbouring weights are equal; 0: they have nothing to do with each other, which is what every independent
    initialisation gives at any kernel size; −1: a chequerboard. The mean is not taken off, so that filters of few
    pixels are not biased. NaN for filters of one pixel, of zeros, or that are not finite.
    """
    filters = np.asarray(filters, dtype=float)
    lag = max(1, filters.shape[-1] // 3)
    across = filters[..., :, lag:] * filters[..., :, :-lag]
    down = filters[..., lag:, :] * filters[..., :-lag, :]
    pairs = across.size + down.size
    power = np.mean(filters**2) if pairs else 0
    return float((across.sum() + down.sum()) / pairs / power) if power > 0 else float("nan")
