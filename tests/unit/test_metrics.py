"""Statistics with known answers."""

import numpy as np
import pandas as pd
import pytest

from gradflow.metrics import Interval, decades_table, interval, moment_rows, verdict

THRESHOLDS = {"vanishing_below": -2, "exploding_above": 2}


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_intervals_cover_the_truth_as_often_as_they_say(seeds):
    generator = np.random.default_rng(seeds)
    draws = generator.normal(3.0, 0.7, (2000, seeds))
    covered = np.mean([i.low <= 3.0 <= i.high for i in map(interval, draws)])
    assert 0.93 < covered < 0.97


def test_no_interval_from_one_seed():
    one = interval([1.5])
    assert one.mean == 1.5 and np.isnan(one.low)
    assert interval([np.nan]).count == 0
    assert interval([1.0, np.nan, 3.0]).count == 2 and interval([1.0, np.nan, 3.0]).lost == 1


def test_infinite_decades_have_no_invented_interval():
    assert interval([-np.inf, -np.inf]) == Interval(-np.inf, -np.inf, -np.inf, 2)
    mixed = interval([-np.inf, -3.0])
    assert np.isnan(mixed.mean) and mixed.low == -np.inf and mixed.high == np.inf


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-7, -5, "vanishing"),
        (-1, 1, "healthy"),
        (2.1, 3, "exploding"),
        (-2.5, -1.5, "undecided"),
        (1, 3, "undecided"),
        (-9, 9, "undecided"),
    ],
)
def test_a_verdict_needs_the_whole_interval_on_one_side(low, high, expected):
    assert verdict(Interval((low + high) / 2, low, high, 3), THRESHOLDS) == expected


def test_verdicts_on_one_seed_and_on_nothing_finite_say_so():
    assert verdict(interval([-5.0]), THRESHOLDS) == "vanishing (one seed)"
    assert verdict(interval([np.nan, np.nan]), THRESHOLDS) == "not finite"
    assert verdict(interval([]), THRESHOLDS) == "not measured"
    assert verdict(interval([np.nan, 0.1, 0.2]), THRESHOLDS) == "healthy (not finite in 1 of 3 seeds)"
    assert verdict(interval([np.inf, np.inf]), THRESHOLDS) == "exploding"
    assert verdict(interval([-np.inf, -np.inf]), THRESHOLDS) == "vanishing"


def profile(values, run="r", moment="init", quantity="g"):
    depth = np.arange(len(values))
    return pd.DataFrame({"run": run, "moment": moment, "quantity": quantity, "depth": depth, "value": values})


def test_decades_are_first_over_last_whatever_the_row_order_and_unused_layers():
    table = pd.concat([profile([1e-4, 1e-2, 1.0]), profile([100.0, 1.0], run="up"), profile([np.nan, 1.0], run="nan")])
    unused = profile([np.nan]).assign(depth=-1)
    shuffled = pd.concat([table, unused]).sample(frac=1, random_state=0)
    decades = decades_table(shuffled).set_index("run")["decades"]
    assert decades["r"] == pytest.approx(-4) and decades["up"] == pytest.approx(2) and np.isnan(decades["nan"])


def test_a_first_layer_of_exact_zeros_is_minus_infinity():
    assert decades_table(profile([0.0, 1.0]))["decades"].iloc[0] == -np.inf


@pytest.mark.parametrize("steps", [1, 2, 3, 12, 1000])
def test_moments_are_steps_of_the_run(steps):
    rows = moment_rows(steps)
    assert rows["init"].tolist() == [0] and rows["end"][-1] == steps - 1
    assert rows["one_step"].tolist() == ([1] if steps > 1 else [])
    assert all(((r >= 0) & (r < steps)).all() for r in rows.values())
    assert abs(rows["middle"].mean() - steps / 2) <= 5
