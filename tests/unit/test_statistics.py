"""Inference over random seeds holds what it promises: coverage, error rates, corrections."""

import numpy as np
import pytest
from scipy import stats

from gradflow.analysis.statistics import (
    NOTHING,
    RESAMPLES,
    Estimate,
    adjusted,
    estimate_difference,
    estimate_mean,
    estimate_median,
    estimate_median_difference,
    p_value,
    stepped_down,
)
from gradflow.propagation.profile import decades_per_layer
from gradflow.report import wording

REPEATS = 500


@pytest.mark.parametrize("seeds", [2, 3, 5, 8])
def test_intervals_cover_the_truth_as_often_as_they_say(seeds):
    generator = np.random.default_rng(seeds)
    draws = generator.normal(3.0, 0.7, (2000, seeds))
    covered = np.mean([i.low <= 3.0 <= i.high for i in map(estimate_mean, draws)])
    assert 0.93 < covered < 0.97


def test_no_interval_from_one_seed():
    one = estimate_mean([1.5])
    assert one.value == 1.5 and np.isnan(one.low)
    assert estimate_mean([np.nan]).n == 0
    assert estimate_mean([1.0, np.nan, 3.0]).n == 2 and estimate_mean([1.0, np.nan, 3.0]).lost == 1


def test_infinite_decades_have_no_invented_interval():
    assert estimate_mean([-np.inf, -np.inf]) == Estimate(-np.inf, -np.inf, -np.inf, 2)
    mixed = estimate_mean([-np.inf, -3.0])
    assert np.isnan(mixed.value) and mixed.low == -np.inf and mixed.high == np.inf


def test_infinite_values_lie_where_their_median_does():
    assert estimate_mean([-np.inf, -3.0, -2.0]).middle == -3.0 and estimate_mean([-np.inf] * 2).middle == -np.inf
    assert estimate_mean([1.0, 2.0, 6.0]).middle == 3.0 and np.isnan(estimate_mean([np.inf, -np.inf]).middle)


def test_a_count_is_certain_and_has_no_interval():
    count = Estimate.exact(5)
    assert count.is_exact and count.value == count.middle == 5.0 and count.n == 0
    assert np.isnan(count.low) and np.isnan(count.high) and count.p(4.9) == count.p(7) == 0
    others = estimate_mean([1.0]), estimate_mean([np.nan]), estimate_mean([]), NOTHING
    assert not any(other.is_exact for other in others)
    assert wording.signed(count, 0) == "+5"


def coverage(intervals, truth):
    return np.mean([found.low <= truth <= found.high for found in intervals])


def networks(generator, seeds, slope=0.0, shift=0.0, shared=None):
    """Depth profiles [seeds, 12] of random networks: a slope in decades a layer, a shift for each, noise on layers."""
    shared = generator.normal(0, 0.4, (seeds, 1)) if shared is None else shared
    layers = np.arange(12)
    return 10.0 ** (shared + shift - slope * layers + generator.standard_t(3, (seeds, 12)) * 0.1)


def test_intervals_of_what_the_report_says_cover_the_truth_in_90_to_99_percent_of_500_repeats():
    """Decades, decades per layer by robust regression, and the difference of paired arms, from three seeds each."""
    generator = np.random.default_rng(1)
    decades, slopes, differences = [], [], []
    for _ in range(REPEATS):
        shared = generator.normal(0, 0.4, (3, 1))
        a, b = networks(generator, 3, 0.3, shared=shared), networks(generator, 3, 0.1, shared=shared)
        first_over_last = [np.log10(arm[:, 0] / arm[:, -1]) for arm in (a, b)]
        decades.append(estimate_mean(first_over_last[0]))
        differences.append(estimate_mean(first_over_last[0] - first_over_last[1]))
        slopes.append(estimate_mean([decades_per_layer(profile) for profile in a]))
    assert 0.90 <= coverage(decades, 0.3 * 11) <= 0.99
    assert 0.90 <= coverage(differences, 0.2 * 11) <= 0.99
    assert 0.90 <= coverage(slopes, 0.3) <= 0.99


def test_bootstrapped_medians_of_many_draws_cover_too_and_are_seeded():
    generator = np.random.default_rng(2)
    draws = generator.exponential(1.0, (REPEATS, 200))  # skewed, as the norms of random networks are
    intervals = [estimate_median(sample) for sample in draws]
    assert 0.90 <= coverage(intervals, np.log(2)) <= 0.99
    assert estimate_median(draws[0]) == intervals[0]


def test_a_bootstrap_of_three_seeds_would_not_cover():
    """Why intervals over random seeds are Student's: the textbook bootstrap promises 95 % and keeps under 85."""
    generator = np.random.default_rng(3)
    found = []
    for sample in generator.normal(0, 1, (REPEATS, 3)):
        low, high = stats.bootstrap(
            (sample,), np.mean, n_resamples=500, method="percentile", rng=generator
        ).confidence_interval
        found.append(Estimate(sample.mean(), low, high, 3))
    assert coverage(found, 0.0) < 0.85


def test_p_values_agree_with_the_interval_and_stand_odd_values():
    generator = np.random.default_rng(4)
    for sample in generator.normal(0.5, 1, (50, 4)):
        found = estimate_mean(sample)
        assert (found.p(0.0) < 0.05) == (not found.low <= 0 <= found.high)
        assert found.p(0.3) == p_value(sample, 0.3) == pytest.approx(stats.ttest_1samp(sample, 0.3).pvalue, rel=1e-12)
    for sample in generator.normal(0.1, 1, (50, 300)):
        found = estimate_median(sample)
        if found.p(0.0) < 0.049 or found.p(0.0) > 0.051:  # the interval ends at one of the resamples
            assert (found.p(0.0) < 0.05) == (not found.low <= 0 <= found.high)
    assert estimate_median_difference(sample, sample + 9).p(0.0) == 2 / RESAMPLES
    assert np.isnan(p_value([1.0], 0)) and np.isnan(p_value([1.0, np.nan], 0))
    assert np.isnan(p_value([2.0, 2.0], 0)) and np.isnan(p_value([2.0, 2.0], 2))
    assert p_value([-np.inf, -np.inf], -2) == 0.5 and p_value([-np.inf] + [-3.0] * 7, -2) == 2**-7  # the signs alone
    assert np.isnan(p_value([-np.inf, 3.0], -2)) and np.isnan(p_value([-np.inf, np.inf], 0))


def test_adjusted_p_values_are_those_of_benjamini_and_hochberg_and_skip_what_is_missing():
    raw = [0.01, np.nan, 0.04, 0.03, 0.005]
    found = adjusted(raw)
    assert np.isnan(found[1])
    np.testing.assert_allclose(found[[0, 2, 3, 4]], [0.02, 0.04, 0.04, 0.02])  # by hand: p·m/rank, made monotone
    assert np.isnan(adjusted([np.nan])).all() and len(adjusted([])) == 0


def test_among_many_comparisons_without_an_effect_hardly_one_family_in_twenty_finds_any():
    generator = np.random.default_rng(5)
    families = generator.normal(0, 1, (200, 20, 3))  # 20 comparisons of three seeds each
    raw = np.array([[p_value(sample, 0.0) for sample in family] for family in families])
    assert np.mean((raw < 0.05).any(axis=1)) > 0.5
    assert np.mean([(adjusted(family) < 0.05).any() for family in raw]) <= 0.08


def test_welchs_difference_is_scipys_and_keeps_its_coverage():
    generator = np.random.default_rng(1)
    one, two = generator.normal(1, 1, 5), generator.normal(0, 3, 9)
    found = estimate_difference(one, two)
    theirs = stats.ttest_ind(one, two, equal_var=False)
    interval = theirs.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.p(0.0) == pytest.approx(theirs.pvalue) and found.n == 5
    inside = 0
    for _ in range(400):
        found = estimate_difference(generator.normal(1, 1, 4), generator.normal(0, 3, 4))
        inside += found.low < 1 < found.high
    assert 0.92 < inside / 400 < 0.985


@pytest.mark.parametrize(
    ("one", "two", "lost", "value"),
    [([1.0], [0.0, 2.0], 0, 0.0), ([np.nan, 1.0, 2.0], [np.nan], 2, np.nan), ([1.0, 1.0], [0.0, 0.0], 0, 1.0)],
    ids=["one alone", "none", "no spread"],
)
def test_samples_that_cannot_be_compared_have_no_interval(one, two, lost, value):
    found = estimate_difference(one, two)
    assert np.isnan(found.low) and np.isnan(found.p(0.0)) and found.lost == lost
    assert found.value == pytest.approx(value, nan_ok=True)


def test_holms_adjustment_keeps_the_chance_of_one_wrong_decision():
    assert stepped_down([0.01, 0.04, np.nan, 0.03]) == pytest.approx([0.03, 0.06, np.nan, 0.06], nan_ok=True)
    generator = np.random.default_rng(0)
    wrong = sum(np.nanmin(stepped_down(generator.uniform(size=4))) < 0.05 for _ in range(2000))
    assert wrong / 2000 < 0.065
