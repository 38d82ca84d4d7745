"""Looks at growing numbers of random seeds: the settled stays so, the open gets more, and the looks are paid for."""

import json

import numpy as np
import pytest
import yaml
from scipy import stats

from conftest import ROOT
from gradflow import GradflowError, studies
from gradflow.analysis.claims.evidence import gather
from gradflow.analysis.claims.settle import REFUTED, SUPPORTED, UNDECIDED, settle
from gradflow.analysis.claims.stability import stability_table
from gradflow.analysis.looks import open_arms
from gradflow.analysis.statistics import ALPHA_OF_A_LOOK
from gradflow.config import configuration
from synthetic import a_run, claim, result, vanishes, write_study_tables

LOOKS = [3, 5, 8]
DEEP = {"architecture": "vgg_deep", "init": "he"}
OTHER = DEEP | {"activation": "elu"}


def look_of(seed: int) -> tuple[int, str]:
    return next((look for look in LOOKS if look > seed), 16), json.dumps(LOOKS)


def evidence(tmp_path, **arms: list[float]):
    """{label: the decades of its runs by random seed}: `deep` and `other` are arms of the study s."""
    settings = {"deep": DEEP, "other": OTHER}
    made = {
        label: [result(a_run(seed=seed, **settings[label]), value, 0.5, noise=0) for seed, value in enumerate(values)]
        for label, values in arms.items()
    }
    return gather(write_study_tables(tmp_path / "tables", {"s": made}, look_of).iterdir())


RELU = vanishes(arm=DEEP | {"activation": "relu"})
ELU = vanishes(arm=OTHER)
SURE, UNSURE = [-5.0, -5.1, -4.9], [-5.0, -2.1, -0.5]


def test_a_test_that_a_look_has_settled_stays_so_whatever_comes_later(tmp_path):
    found = evidence(tmp_path, deep=[*SURE, 4.0, 4.0], other=UNSURE)
    table = settle(claim(RELU), found)
    assert (table["verdict"].iloc[0], table["n"].iloc[0]) == (SUPPORTED, 3)


def test_a_test_that_is_open_is_settled_with_more_random_seeds(tmp_path):
    few = settle(claim(RELU), evidence(tmp_path / "a", deep=UNSURE))
    assert (few["verdict"].iloc[0], few["n"].iloc[0]) == (UNDECIDED, 3)
    more = settle(claim(RELU), evidence(tmp_path / "b", deep=[*UNSURE, 3.0, 3.0, 3.1, 2.9, 3.0]))
    assert (more["verdict"].iloc[0], more["n"].iloc[0]) == (REFUTED, 8)


def test_only_arms_by_which_a_claim_is_open_get_more_random_seeds(tmp_path):
    found = evidence(tmp_path, deep=SURE, other=UNSURE)
    assert open_arms(claim(RELU), found) == []
    assert open_arms(claim(RELU, ELU), found) == [("s", "other")]
    difference = RELU | {"minus": {"arm": {"activation": "elu"}}, "below": -1}
    assert open_arms(claim(difference), found) == [("s", "deep"), ("s", "other")]
    fails = RELU | {"below": -20}
    assert open_arms(claim(fails, ELU), found) == [], "one part fails: that settles the claim"
    assert open_arms(claim(ELU, needs={"width": {"at_least": 9}}), found) == [], "more of such runs settle nothing"


def test_a_look_of_three_costs_more_than_the_only_one(tmp_path):
    """Five values at p = .03: enough for one look at five random seeds, not for one of three."""
    values = np.array([-2.6, -2.5, -2.4, -2.5, -2.5])
    edge = float(values.mean() + values.std(ddof=1) / np.sqrt(5) * stats.t.isf(0.03, 4))
    made = [result(a_run(seed=seed, **DEEP), value, noise=0) for seed, value in enumerate(values)]
    verdicts = []
    for name, look in (("one", (5, "[5]")), ("three", (5, "[3, 5, 8]"))):
        folder = write_study_tables(tmp_path / name, {"s": {"deep": made}}, lambda seed, look=look: look)
        found = gather(folder.iterdir())
        shift = settle(claim(RELU | {"below": 0}), found)["value"].iloc[0] - values.mean()
        verdicts.append(settle(claim(RELU | {"below": edge + shift}), found)["verdict"].iloc[0])
    assert verdicts == [SUPPORTED, UNDECIDED]


def test_three_looks_together_are_wrong_in_less_than_one_case_in_twenty():
    values = np.random.default_rng(0).normal(size=(200_000, LOOKS[-1]))
    wrong = np.zeros(len(values), dtype=bool)
    for look in LOOKS:
        seen = values[:, :look]
        t = seen.mean(axis=1) / seen.std(axis=1, ddof=1) * np.sqrt(look)
        wrong |= t > stats.t.isf(ALPHA_OF_A_LOOK, look - 1)
    assert 0.04 < wrong.mean() < 0.05


def test_a_verdict_far_from_its_bound_is_stable_and_has_power_and_one_at_the_bound_has_neither(tmp_path):
    draw = np.random.default_rng(1).normal
    for name, middle, sure in (("far", -5, True), ("near", -2.2, False)):
        run = evidence(tmp_path / name / "run", deep=[-5.0, -5.1, -4.9])
        pool = evidence(tmp_path / name / "pool", deep=list(draw(middle, 0.5, 16)))
        row = stability_table(claim(RELU), run, pool, draws=200).iloc[0]
        assert row["verdict"] == SUPPORTED and row["effect"][0] == pytest.approx(middle, abs=0.5)
        assert (row["stays"] > 0.95 and row["power"] > 0.95) if sure else (row["stays"] < 0.8 and row["power"] < 0.8)


def test_random_seeds_are_a_number_or_up_to_three_that_grow():
    raw = yaml.safe_load((ROOT / "config.yaml").read_text()) | {"select": ["kernel", "depth_scan"]}
    raw["scale"] |= {"seeds": LOOKS}
    kernel, scan = studies.expand(configuration.complete(raw))
    assert kernel.looks == (3, 5, 8) and len(kernel.arms[0].runs) == 8 and scan.looks == (3,)
    assert [kernel.look_of(number) for number in range(8)] == [3, 3, 3, 5, 5, 8, 8, 8]
    assert [kernel.look_before(look) for look in LOOKS] == [None, 3, 5]
    for wrong in ([5, 3], [3, 3], [1, 2, 3, 4], [0, 3], []):
        raw["scale"]["seeds"] = wrong
        with pytest.raises(GradflowError, match=r"config: scale\.seeds"):
            configuration.complete(raw)
