"""Numbers into words: ratios, decades and changes as the report says them, each with its interval."""

import numpy as np

from gradflow.metrics import Interval

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def times(log_ratio: Interval) -> str:
    """Say a ratio from an interval of its log10: "37× [31, 44]", or "37× (one seed)"."""
    if log_ratio.count == 0 or np.isnan(log_ratio.mean):
        return "not measurable"
    mean, low, high = (power(value) for value in (log_ratio.mean, log_ratio.low, log_ratio.high))
    return f"{mean}× (one seed)" if log_ratio.count < 2 else f"{mean}× [{low}, {high}]"


def signed(value: Interval) -> str:
    """Say decades with their sign and interval: "−1.6 [−1.8, −1.4]"."""
    if np.isnan(value.mean):
        return "–"
    mean, low, high = (
        f"{round(number, 1) + 0.0:+.1f}".replace("-", "−") for number in (value.mean, value.low, value.high)
    )
    return f"{mean} (one seed)" if value.count < 2 else f"{mean} [{low}, {high}]"


def change(change: Interval) -> str:
    """Say a difference in decades: its direction only where the interval leaves no doubt of it."""
    if np.isnan(change.mean):
        return "cannot be compared (a gradient was zero or not finite)"
    if change.count >= 2 and change.low <= 0 <= change.high:
        return f"changes the first layer's share by {signed(change)} decades, an interval that includes no change"
    verb = "raises" if change.mean > 0 else "lowers"
    return f"{verb} the first layer's share by {signed(change)} decades"


def power(log: float) -> str:
    """Write 10**log with two figures: "37", "0.024", "3.1·10⁻¹⁷"."""
    if not np.isfinite(log):
        return {np.inf: "∞", -np.inf: "0"}.get(log, "–")
    if -2.5 <= log < 3.5:
        return f"{float(f'{10**log:.2g}'):g}"
    mantissa, exponent = f"{10 ** (log % 1):.1f}", int(np.floor(log))
    if mantissa == "10.0":  # rounded up to the next decade
        mantissa, exponent = "1.0", exponent + 1
    return f"{mantissa}·10{str(exponent).translate(_SUPERSCRIPTS)}"


def accuracy(values) -> str:
    """Say accuracies as mean and range."""
    return f"{values.mean():.2f} ({values.min():.2f}–{values.max():.2f})"
