"""Statistics of depth profiles: moments of training, decades from last to first layer, intervals, verdicts."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

MOMENTS = ("init", "one_step", "middle", "end")
CONFIDENCE = 0.95
WINDOW = 10  # steps that "middle" and "end" take the median of: one batch says little once training is under way


def moment_rows(steps: int) -> dict[str, np.ndarray]:
    """Return the rows (steps) that each moment of a training run of so many steps covers.

    `init` and `one_step` are single steps by their nature: the gradients before the first and the second update.
    """
    window = min(WINDOW, steps)
    middle = max(0, steps // 2 - window // 2)
    return {
        "init": np.arange(0, min(1, steps)),
        "one_step": np.arange(1, min(2, steps)),
        "middle": np.arange(middle, middle + window),
        "end": np.arange(steps - window, steps),
    }


@dataclass(frozen=True)
class Interval:
    """A mean over random seeds with its two-sided confidence interval; low and high are NaN for one seed.

    `lost` counts the seeds whose value is NaN: runs that diverged before they could give one.
    """

    mean: float
    low: float
    high: float
    count: int
    lost: int = 0


def interval(values, confidence: float = CONFIDENCE) -> Interval:
    """Return the mean and Student's t interval of independent values, one a random seed.

    With two or three seeds a bootstrap has too few resamples to cover; the t interval is wide there, and honest.
    Infinite values (a layer whose gradient is exactly zero) make an infinite mean without an interval.
    """
    values = np.asarray(values, dtype=float)
    lost = int(np.isnan(values).sum())
    values = values[~np.isnan(values)]
    if not len(values):
        return Interval(np.nan, np.nan, np.nan, 0, lost)
    if not np.isfinite(values).all():
        same = len(set(values)) == 1
        low, high = (values[0], values[0]) if same else (-np.inf, np.inf)
        return Interval(float(values[0]) if same else float("nan"), float(low), float(high), len(values), lost)
    mean = float(values.mean())
    if len(values) < 2:
        return Interval(mean, np.nan, np.nan, 1, lost)
    half = stats.t.ppf((1 + confidence) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return Interval(mean, float(mean - half), float(mean + half), len(values), lost)


def decades_table(profiles: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run, moment and quantity: `decades`, log10 of the first layer's value over the last's.

    profiles: columns run, moment, quantity, depth, value. Negative decades: the gradient shrinks on its way from the
    last layer to the first; -inf: it is exactly zero there, +inf: it overflowed there. NaN where an end is NaN or the
    last layer's is zero or infinite.
    """
    keys = ["run", "moment", "quantity"]
    used = profiles[profiles["depth"] >= 0].sort_values([*keys, "depth"])
    ends = used.drop_duplicates(keys, keep="first")[keys]
    first, last = (used.drop_duplicates(keys, keep=end)["value"].to_numpy() for end in ("first", "last"))
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(np.isfinite(last) & (last > 0), np.log10(first / last), np.nan)
    return ends.assign(decades=values).reset_index(drop=True)


def verdict(decades: Interval, thresholds: dict) -> str:
    """Call a depth profile vanishing, healthy or exploding by its decades from last to first layer.

    thresholds: `vanishing_below` and `exploding_above`, in decades. The whole interval must lie on one side of a
    threshold, or the verdict is undecided; with one seed the value alone decides and the verdict says so. Seeds without
    a value are counted in it, never dropped in silence.
    """
    if not decades.count:
        return "not finite" if decades.lost else "not measured"
    single = decades.count < 2
    low, high = (decades.mean, decades.mean) if single else (decades.low, decades.high)
    below, above = thresholds["vanishing_below"], thresholds["exploding_above"]
    said = "undecided"
    if high <= below:
        said = "vanishing"
    elif low >= above:
        said = "exploding"
    elif low > below and high < above:
        said = "healthy"
    if decades.lost:
        return f"{said} (not finite in {decades.lost} of {decades.lost + decades.count} seeds)"
    return f"{said} (one seed)" if single else said
