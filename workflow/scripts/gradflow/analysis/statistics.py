"""Inference over random seeds: intervals, tests against a bound, and the correction for making many of them."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
ALPHA = 0.05
RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A number over random seeds with its two-sided confidence interval; low and high are NaN for one seed.

    value: a mean or a median. n: how many values it is of. lost: how many more are NaN, of runs that diverged before
    they could give one.
    """

    value: float
    low: float
    high: float
    n: int
    lost: int = 0


def estimate_mean(values, confidence: float = CONFIDENCE) -> Estimate:
    """Return the mean and Student's t interval of independent values, one a random seed.

    With two or three seeds a bootstrap has too few resamples to cover; the t interval is wide there, and honest.
    Infinite values (a layer whose gradient is exactly zero) have no mean but if all are the same.
    """
    values = np.asarray(values, dtype=float)
    lost = int(np.isnan(values).sum())
    values = values[~np.isnan(values)]
    if not len(values):
        return Estimate(np.nan, np.nan, np.nan, 0, lost)
    if not np.isfinite(values).all():
        same = len(set(values)) == 1
        low, high = (values[0], values[0]) if same else (-np.inf, np.inf)
        return Estimate(float(values[0]) if same else float("nan"), float(low), float(high), len(values), lost)
    mean = float(values.mean())
    if len(values) < 2:
        return Estimate(mean, np.nan, np.nan, 1, lost)
    half = stats.t.ppf((1 + confidence) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return Estimate(mean, float(mean - half), float(mean + half), len(values), lost)


def p_value(values, bound: float) -> float:
    """Return the two-sided p-value of Student's t test that independent values have the mean `bound`.

    For finite values it is below 0.05 where `estimate_mean` excludes the bound. Where some are infinite (a layer of
    exact zeros) and all lie on one side of the bound it is that of the sign test. NaN where there is nothing to judge
    by: fewer than two values, infinite ones among others on both sides, or values without any spread.
    """
    values = np.asarray(values, dtype=float)
    values = values[~np.isnan(values)]
    if len(values) < 2:
        return float("nan")
    if not np.isfinite(values).all():
        one_side = (values > bound).all() or (values < bound).all()
        return 2.0 ** (1 - len(values)) if one_side else float("nan")
    if np.ptp(values) == 0:
        return float("nan")
    return float(stats.ttest_1samp(values, bound).pvalue)


def bootstrap_medians(values: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return the medians of RESAMPLES bootstrap resamples of many independent values (seeded)."""
    values = np.asarray(values, dtype=float)
    chosen = np.random.default_rng(seed).integers(0, len(values), (RESAMPLES, len(values)))
    return np.median(values[chosen], axis=1)


def estimate_median(values: np.ndarray, confidence: float = CONFIDENCE, seed: int = 0) -> Estimate:
    """Return the median of many independent values with its percentile bootstrap interval (seeded).

    For hundreds of random networks, whose distribution is skewed; NaN values must have been taken out.
    """
    return _percentiles(bootstrap_medians(values, seed), np.median(values), len(values), confidence)


def estimate_median_difference(values: np.ndarray, others: np.ndarray, confidence: float = CONFIDENCE) -> Estimate:
    """Return the difference of two samples' medians with its percentile bootstrap interval (seeded).

    The samples are resampled apart; where they share random numbers, as our draws do, the interval is too wide.
    """
    resampled = bootstrap_differences(values, others)
    return _percentiles(resampled, np.median(values) - np.median(others), len(values), confidence)


def bootstrap_differences(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return RESAMPLES differences of two samples' medians, each resampled on its own (seeded)."""
    return bootstrap_medians(values, seed=0) - bootstrap_medians(others, seed=1)


def _percentiles(resampled: np.ndarray, middle: float, count: int, confidence: float) -> Estimate:
    low, high = np.quantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2], method="nearest")
    return Estimate(float(middle), float(low), float(high), count)


def adjusted(p_values) -> np.ndarray:
    """Return p-values adjusted for their number (Benjamini & Hochberg 1995, theorem 1); NaN stay NaN and do not count.

    Deciding at ALPHA makes the expected share of wrong decisions among all of them at most one in twenty, for tests
    that are independent or positively related.
    """
    p_values = np.asarray(p_values, dtype=float)
    known = ~np.isnan(p_values)
    out = np.full(len(p_values), np.nan)
    if known.any():
        out[known] = stats.false_discovery_control(p_values[known])
    return out
