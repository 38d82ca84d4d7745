"""Statistics with known answers."""

import numpy as np
import pandas as pd
import pytest

from gradflow.analysis.profiles import decades_table, phase_rows, profile_verdict
from gradflow.analysis.statistics import Estimate, estimate_mean
from gradflow.labels import PHASES
from gradflow.propagation.profile import decades_per_layer
from gradflow.thresholds import THRESHOLDS


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
    assert profile_verdict(Estimate((low + high) / 2, low, high, 3), THRESHOLDS) == expected


def test_verdicts_on_one_seed_and_on_nothing_finite_say_so():
    assert profile_verdict(estimate_mean([-5.0]), THRESHOLDS) == "vanishing (one random seed)"
    assert profile_verdict(estimate_mean([np.nan, np.nan]), THRESHOLDS) == "not finite"
    assert profile_verdict(estimate_mean([]), THRESHOLDS) == "not measured"
    said = profile_verdict(estimate_mean([np.nan, 0.1, 0.2]), THRESHOLDS)
    assert said == "healthy (not finite in 1 of 3 random seeds)"
    assert profile_verdict(estimate_mean([np.inf, np.inf]), THRESHOLDS) == "exploding"
    assert profile_verdict(estimate_mean([-np.inf, -np.inf]), THRESHOLDS) == "vanishing"


def profile(values, run="r", phase="init", quantity="g"):
    depth = np.arange(len(values))
    return pd.DataFrame({"run": run, "phase": phase, "quantity": quantity, "depth": depth, "value": values})


def test_decades_are_first_over_last_whatever_the_row_order_and_unused_layers():
    table = pd.concat([profile([1e-4, 1e-2, 1.0]), profile([100.0, 1.0], run="up"), profile([np.nan, 1.0], run="nan")])
    unused = profile([np.nan]).assign(depth=-1)
    shuffled = pd.concat([table, unused]).sample(frac=1, random_state=0)
    decades = decades_table(shuffled).set_index("run")["decades"]
    assert decades["r"] == pytest.approx(-4) and decades["up"] == pytest.approx(2) and np.isnan(decades["nan"])


def test_a_first_layer_of_exact_zeros_is_minus_infinity():
    assert decades_table(profile([0.0, 1.0]))["decades"].iloc[0] == -np.inf


@pytest.mark.parametrize("steps", [1, 2, 3, 12, 1000])
def test_phases_are_steps_of_the_run(steps):
    rows = phase_rows(steps, "completed")
    assert list(rows) == list(PHASES)
    assert rows["init"].tolist() == [0] and rows["end"].tolist() == list(range(steps - max(1, steps // 4), steps))
    assert rows["second_half"].tolist() == list(range(steps // 2, steps))
    assert rows["one_step"].tolist() == ([1] if steps > 1 else [])
    assert all(((r >= 0) & (r < steps)).all() for r in rows.values())
    assert abs(rows["middle"].mean() - steps / 2) <= 5


@pytest.mark.parametrize("status", ["stalled", "diverged"])
def test_a_run_that_did_not_train_has_no_end_and_all_other_phases(status):
    trained, other = phase_rows(40, "completed"), phase_rows(40, status)
    assert not len(other.pop("end")) and len(trained.pop("end")) == 10
    assert {phase: list(rows) for phase, rows in other.items()} == {k: list(rows) for k, rows in trained.items()}


def test_decades_per_layer_are_the_slope_towards_the_input_and_stand_odd_layers():
    clean = 10.0 ** np.linspace(-6, 0, 25)  # a quarter of a decade a layer, shrinking towards the input
    assert decades_per_layer(clean) == pytest.approx(-0.25)
    assert decades_per_layer(clean[::-1]) == pytest.approx(0.25)
    odd = clean.copy()
    odd[[3, 12, 20]] = 1e9, 0, np.nan  # one far off, one dead, one not finite
    assert decades_per_layer(odd) == pytest.approx(-0.25, abs=0.01)
    assert np.isnan(decades_per_layer([1.0, np.nan, 0.0, 2.0]))
