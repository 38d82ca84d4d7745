"""The rules of verdict are fair: what a difference must be, what is no effect, and how many parts are allowed for."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_claims import DEEP, evidence

from gradflow.analysis.claims.measures import highest, lowest
from gradflow.analysis.claims.settle import REFUTED, SUPPORTED, UNDECIDED, settle
from gradflow.report.prose.claims import reasons
from synthetic import claim, vanishes


@pytest.mark.parametrize(
    ("other", "outcome", "verdict"),
    [
        (-1.4, "holds", SUPPORTED),
        (-1.0, "no effect", REFUTED),
        (-0.5, "fails", REFUTED),
        (-1.2, "undecided", UNDECIDED),
    ],
    ids=["larger than of interest", "none", "the other way", "at the edge"],
)
def test_a_difference_within_the_smallest_effect_of_interest_is_no_effect(tmp_path, other, outcome, verdict):
    arms = {"relu": (DEEP, -1.0, 0.5), "elu": (DEEP | {"activation": "elu"}, other, 0.5)}
    test = vanishes(arm={"activation": "relu"}, minus={"arm": {"activation": "elu"}}, above=0.2, paired=True)
    del test["below"]
    table = settle(claim(test), evidence(tmp_path, arms, seeds=5, noise=0.02))
    assert (table["outcome"].iloc[0], table["verdict"].iloc[0]) == (outcome, verdict)
    words = reasons(table, {})
    assert ("no effect of that size, either way" in words) == (outcome == "no effect")


def test_one_failing_part_among_many_is_told_with_holms_correction_and_holding_parts_without(tmp_path):
    """Of twenty parts one fails at .03: that is luck; all twenty hold at .03 each: that is the claim."""
    values = np.array([0.0, 1.0, 2.0, 3.0])
    edge = values.mean() + values.std(ddof=1) / 2 * stats.t.isf(0.03, 3)
    test = {"says": "n", "depth_at_init": {"depth": 8}, "measure": "decades"}
    rows = pd.DataFrame({"depth": 8, "seed": range(4), "decades": values})
    holding = settle(claim(*[test | {"below": float(edge)}] * 20), {"depth_at_init": rows})
    assert set(holding["verdict"]) == {SUPPORTED} and (holding["p"] < 0.05).all()
    failing = settle(claim(*[test | {"above": float(edge)}] * 20), {"depth_at_init": rows})
    assert set(failing["outcome"]) == {"undecided"} and set(failing["verdict"]) == {UNDECIDED}
    alone = settle(claim(test | {"above": float(edge)}), {"depth_at_init": rows})
    assert set(alone["verdict"]) == {REFUTED}


def test_a_stretch_beyond_a_range_is_no_verdict_on_it_and_a_tenth_of_training_is(tmp_path):
    times = np.arange(100) / 10

    def of(*bad: float) -> tuple[float, float]:
        norms = np.full(100, 0.1)
        norms[: len(bad)] = bad
        rows = [("a", "deep", time, 0.5) for time in times] + [
            ("a", "early", time, norm) for time, norm in zip(times, norms)
        ]
        layers = pd.DataFrame(rows, columns=["run", "layer", "time", "grad_output_norm"])
        study = SimpleNamespace(layers=layers)
        return tuple(float(measure(study, ["early", "deep"])["a"]) for measure in (lowest, highest))

    calm = pytest.approx((-1.0, np.log10(0.5)))
    assert of() == of(0.0, 1e3, 1e-9) == calm
    assert of(*[1e-6] * 10)[0] == pytest.approx(-6) and of(*[1e3] * 10)[1] == pytest.approx(3)
    assert of(*[0.0] * 10)[0] == -np.inf
    assert all(np.isnan(of(np.nan)))
