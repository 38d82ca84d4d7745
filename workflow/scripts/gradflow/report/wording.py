"""Numbers into words: ratios, decades and changes as the report says them, each with its interval."""

import re

import numpy as np

from gradflow.analysis.statistics import Estimate
from gradflow.labels import SUPERSCRIPTS

# What means something in Markdown or HTML.
_MARKS = {ord(mark): f"&#{ord(mark)};" for mark in "\\`*_{}[]()<>#~|$&!:@'\""}


def times(log_ratio: Estimate) -> str:
    """Say a ratio from an interval of its log10: "37× [31, 44]", or "37× (one random seed)"."""
    if log_ratio.n == 0 or np.isnan(log_ratio.value):
        return "not measurable"
    mean, low, high = (power(value) for value in (log_ratio.value, log_ratio.low, log_ratio.high))
    return f"{mean}× (one random seed)" if log_ratio.n < 2 else f"{mean}× [{low}, {high}]"


def signed(value: Estimate, digits: int = 1) -> str:
    """Say a number with its sign and interval: "−1.6 [−1.8, −1.4]"."""
    if np.isnan(value.value):
        return "–"
    mean, low, high = (
        f"{round(number, digits) + 0.0:+.{digits}f}".replace("-", "−")
        for number in (value.value, value.low, value.high)
    )
    if value.is_exact:
        return mean
    return f"{mean} (one random seed)" if value.n < 2 else f"{mean} [{low}, {high}]"


def change(difference: Estimate, significant: bool) -> str:
    """Say a difference in decades: its direction only where it is significant."""
    if np.isnan(difference.value):
        return "cannot be compared (a gradient was zero or not finite)"
    if not significant:
        doubt = "one random seed decides nothing" if difference.n < 2 else "which is not significant"
        return f"changes the first layer's share by {signed(difference)} decades, {doubt}"
    verb = "raises" if difference.value > 0 else "lowers"
    return f"{verb} the first layer's share by {signed(difference)} decades"


def plain(name: object) -> str:
    """Return a name from people's data or configuration as one line of Markdown that shows it, whatever is in it."""
    return " ".join(str(name).translate(_MARKS).split())


def code(name: object) -> str:
    """Return a name as `plain` does, as code."""
    return f"<code>{plain(name)}</code>"


def markdown_table(head: list, rows: list[list]) -> str:
    """Return a Markdown table, in which no line breaks inside an interval."""
    lines = [head, ["---"] * len(head), *rows]
    table = "\n".join("| " + " | ".join(map(str, cells)) + " |" for cells in lines)
    return re.sub(r"\[([^][|]+), ([^][|]+)\]", "[\\1,\u00a0\\2]", table)


def power(log: float) -> str:
    """Write 10**log with two figures: "37", "0.024", "3.1·10⁻¹⁷"."""
    if not np.isfinite(log):
        return {np.inf: "∞", -np.inf: "0"}.get(log, "–")
    if -2.5 <= log < 3.5:
        return f"{float(f'{10**log:.2g}'):g}"
    mantissa, exponent = f"{10 ** (log % 1):.1f}", int(np.floor(log))
    if mantissa == "10.0":  # rounded up to the next decade
        mantissa, exponent = "1.0", exponent + 1
    return f"{mantissa}·{power_of_ten(exponent)}"


def power_of_ten(exponent: int) -> str:
    """Write a power of ten: "10⁻¹⁷", and 1 as "1"."""
    return f"10{str(exponent).translate(SUPERSCRIPTS)}" if exponent else "1"


def accuracy(values) -> str:
    """Say accuracies as mean and range."""
    return f"{values.mean():.2f} ({values.min():.2f}–{values.max():.2f})"
