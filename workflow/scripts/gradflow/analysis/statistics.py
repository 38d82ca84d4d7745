"""Inference over random seeds: estimates with interval and p-value, and the correction for making many of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from scipy.special import (  # scipy.stats takes half a second to import, and is wanted by few figures
    chdtri,
    stdtr,
    stdtrit,
)

CONFIDENCE = 0.95
ALPHA = 0.05
# Of each look, where there are up to three (gradflow.config.sections.MOST_LOOKS): looks at 3, 5 and 8 random seeds are
# together wrong in .048 of all cases (a test shows it).
ALPHA_OF_A_LOOK = 0.02
RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A number with its two-sided confidence interval, and the p-value of any bound on it.

    value: a mean, a median, or an exact count. low, high: NaN for one value, and for a count. n: how many values it is
    of, 0 for a count. lost: how many more are NaN, of runs that diverged before they could give one. p: from a bound to
    the two-sided p-value of the number's being there, NaN where there is nothing to judge by. median: that of values of
    which some are infinite, so that they have no mean.
    """

    value: float
    low: float
    high: float
    n: int
    lost: int = 0
    p: Callable[[float], float] = field(default=lambda bound: np.nan, compare=False, repr=False)
    median: float = field(default=np.nan, compare=False, repr=False)

    @classmethod
    def exact(cls, value: float) -> Estimate:
        """Return a count: it has no interval, and is certain to lie where it lies."""
        return cls(float(value), np.nan, np.nan, 0, p=lambda bound: 0.0)

    @property
    def is_exact(self) -> bool:
        """Whether it is a count."""
        return self.n == 0 and not np.isnan(self.value)

    @property
    def middle(self) -> float:
        """What says on which side of a bound it lies: the value, or where infinite ones leave none, their median."""
        return self.median if np.isnan(self.value) else self.value


NOTHING = Estimate(np.nan, np.nan, np.nan, 0)


def estimate_mean(values, confidence: float = CONFIDENCE) -> Estimate:
    """Return the mean and Student's t interval of independent values, one a random seed.

    With two or three seeds a bootstrap has too few resamples to cover; the t interval is wide there, and honest.
    Infinite values (a layer whose gradient is exactly zero) have no mean but if all are the same.
    """
    values = np.asarray(values, dtype=float)
    lost = int(np.isnan(values).sum())
    values = values[~np.isnan(values)]
    if not len(values):
        return replace(NOTHING, lost=lost)
    test = partial(p_value, values)
    if not np.isfinite(values).all():
        if len(set(values)) == 1:
            return Estimate(*map(float, [values[0]] * 3), len(values), lost, test)
        with np.errstate(invalid="ignore"):  # half of them −inf, half +inf
            return Estimate(np.nan, -np.inf, np.inf, len(values), lost, test, float(np.median(values)))
    mean = float(values.mean())
    if len(values) < 2:
        return Estimate(mean, np.nan, np.nan, 1, lost, test)
    half = stdtrit(len(values) - 1, (1 + confidence) / 2) * values.std(ddof=1) / np.sqrt(len(values))
    return Estimate(mean, float(mean - half), float(mean + half), len(values), lost, test)


def estimate_difference(values, others, confidence: float = CONFIDENCE) -> Estimate:
    """Return the difference of the means of two independent samples, with Welch's interval (Welch 1947).

    For arms that share no weights: their random seeds are numbers, no pairs. An infinite value, or a sample of one,
    leaves no interval and no p-value.
    """
    samples = [np.asarray(sample, dtype=float) for sample in (values, others)]
    lost = sum(int(np.isnan(sample).sum()) for sample in samples)
    one, two = (sample[~np.isnan(sample)] for sample in samples)
    if not len(one) or not len(two):
        return replace(NOTHING, lost=lost)
    with np.errstate(invalid="ignore"):
        difference, count = float(one.mean() - two.mean()), min(len(one), len(two))
    parts = [sample.var(ddof=1) / len(sample) if len(sample) > 1 else np.nan for sample in (one, two)]
    if not np.isfinite([difference, *parts]).all() or not sum(parts):
        return Estimate(difference, np.nan, np.nan, count, lost)
    freedom = sum(parts) ** 2 / sum(part**2 / (len(sample) - 1) for part, sample in zip(parts, (one, two)))
    error = float(np.sqrt(sum(parts)))
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * error

    def test(bound: float) -> float:
        return float(2 * stdtr(freedom, -abs(difference - bound) / error))

    return Estimate(difference, difference - half, difference + half, count, lost, test)


def p_value(values, bound: float) -> float:
    """Return the two-sided p-value of Student's t test that independent values have the mean `bound`.

    For finite values it is below 0.05 where `estimate_mean` excludes the bound. Where some are infinite (a layer of
    exact zeros) and all lie on one side of the bound it is that of the sign test. NaN where there is nothing to judge
    by: fewer than two values, infinite ones among others on both sides, or values without any spread.
    """
    values = np.asarray(values, dtype=float)
    values = values[~np.isnan(values)]
    if len(values) < 2:
        return np.nan
    if not np.isfinite(values).all():
        one_side = (values > bound).all() or (values < bound).all()
        return 2.0 ** (1 - len(values)) if one_side else np.nan
    if np.ptp(values) == 0:
        return np.nan
    distance = abs(values.mean() - bound) / values.std(ddof=1) * np.sqrt(len(values))
    return float(2 * stdtr(len(values) - 1, -distance))


def estimate_median(values: np.ndarray, confidence: float = CONFIDENCE, seed: int = 0) -> Estimate:
    """Return the median of many independent values with its percentile bootstrap interval (seeded).

    For hundreds of random networks, whose distribution is skewed; NaN values must have been taken out.
    """
    return _percentiles(_bootstrap_medians(values, seed), np.median(values), len(values), confidence)


def estimate_median_difference(values: np.ndarray, others: np.ndarray, confidence: float = CONFIDENCE) -> Estimate:
    """Return the difference of two samples' medians with its percentile bootstrap interval (seeded).

    The samples are resampled apart; where they share random numbers, as our draws do, the interval is too wide.
    """
    resampled = _bootstrap_medians(values, seed=0) - _bootstrap_medians(others, seed=1)
    return _percentiles(resampled, np.median(values) - np.median(others), len(values), confidence)


def _bootstrap_medians(values: np.ndarray, seed: int) -> np.ndarray:
    """The medians of RESAMPLES bootstrap resamples of many independent values."""
    values = np.asarray(values, dtype=float)
    chosen = np.random.default_rng(seed).integers(0, len(values), (RESAMPLES, len(values)))
    return np.median(values[chosen], axis=1)


def _percentiles(resampled: np.ndarray, middle: float, count: int, confidence: float) -> Estimate:
    """An estimate from a bootstrap; its p-value cannot be less than that of one resample."""

    def test(bound: float) -> float:
        tail = min(np.mean(resampled <= bound), np.mean(resampled >= bound))
        return float(min(1.0, 2 * max(tail, 1 / len(resampled))))

    low, high = np.quantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2], method="nearest")
    return Estimate(float(middle), float(low), float(high), count, p=test)


def variance_interval(variance: float, freedom: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the interval of a variance of normal values, estimated with so many degrees of freedom, by chi-square."""
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    low, high = (float(freedom * variance / chdtri(freedom, tail)) for tail in tails)
    return low, high


def stepped_down(p_values) -> np.ndarray:
    """Return p-values adjusted by Holm's method (Holm 1979): the chance of one wrong decision among all is kept.

    NaN stay NaN and do not count.
    """
    p_values = np.asarray(p_values, dtype=float)
    out, known = np.full(len(p_values), np.nan), np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    scaled = p_values[order] * np.arange(len(order), 0, -1)
    out[order] = np.minimum(1, np.maximum.accumulate(scaled))
    return out


def adjusted(p_values) -> np.ndarray:
    """Return p-values adjusted for their number (Benjamini & Hochberg 1995, theorem 1); NaN stay NaN and do not count.

    Deciding at ALPHA makes the expected share of wrong decisions among all of them at most one in twenty, for tests
    that are independent or positively related.
    """
    p_values = np.asarray(p_values, dtype=float)
    known = ~np.isnan(p_values)
    out = np.full(len(p_values), np.nan)
    if known.any():
        from scipy import stats

        out[known] = stats.false_discovery_control(p_values[known])
    return out
