"""Claims get the verdict that their data's known truth deserves, and the report's words follow."""

import numpy as np
import pandas as pd
import pytest

from gradflow import GradflowError
from gradflow.analysis.claims.evidence import Missing, gather, kind_of
from gradflow.analysis.claims.settle import (
    MIXED,
    REFUTED,
    SUPPORTED,
    UNDECIDED,
    claim_verdict,
    compare_to_region,
    settle,
)
from gradflow.analysis.statistics import estimate_mean
from gradflow.analysis.tables import empty_table
from gradflow.report.prose.claims import claims_table
from synthetic import a_run, claim, result, vanishes, write_study_tables


def evidence(tmp_path, arms, seeds=3, study="s", noise=0.05):
    """{label: (settings of the run, decades, accuracy)} as the tables of one study."""
    made = {
        label: [result(a_run(seed=seed, **settings), decades, accuracy, noise) for seed in range(seeds)]
        for label, (settings, decades, accuracy) in arms.items()
    }
    return gather(write_study_tables(tmp_path / "tables", {study: made}).iterdir())


DEEP = {"architecture": "vgg_deep", "init": "he"}


@pytest.mark.parametrize(
    ("decades", "verdict"),
    [(-5, SUPPORTED), (0.3, REFUTED), (4, REFUTED), (-2.02, UNDECIDED)],
    ids=["vanishing", "healthy", "exploding", "at the edge"],
)
def test_a_claim_of_vanishing_is_settled_by_the_truth(tmp_path, decades, verdict):
    found = evidence(tmp_path, {"deep": (DEEP, decades, 0.5)})
    table = settle(claim(vanishes()), found)
    assert set(table["verdict"]) == {verdict}
    assert table["low"].iloc[0] < decades + 0.2 and table["high"].iloc[0] > decades - 0.2


@pytest.mark.parametrize(
    ("other", "verdict"), [(-5, SUPPORTED), (-1, REFUTED)], ids=["effect present", "effect absent"]
)
def test_a_claimed_effect_is_found_where_there_is_one_and_only_there(tmp_path, other, verdict):
    arms = {"relu": (DEEP, -1, 0.5), "sigmoid": (DEEP | {"activation": "sigmoid"}, other, 0.5)}
    test = vanishes(arm={"activation": "relu"}, minus={"arm": {"activation": "sigmoid"}}, beyond=0.5)
    del test["below"]
    assert set(settle(claim(test), evidence(tmp_path, arms))["verdict"]) == {verdict}


def test_pairing_by_seed_sees_what_two_means_would_not(tmp_path):
    """Both arms wander by a whole decade from seed to seed, together: their difference does not."""
    arms = {"relu": (DEEP, -1.0, 0.5), "elu": (DEEP | {"activation": "elu"}, -1.3, 0.5)}
    found = evidence(tmp_path, arms, seeds=4, noise=1.0)
    test = vanishes(arm={"activation": "elu"}, minus={"arm": {"activation": "relu"}}, below=-0.1)
    assert set(settle(claim(test), found)["verdict"]) == {UNDECIDED}
    table = settle(claim(test | {"paired": True}), found)
    assert set(table["verdict"]) == {SUPPORTED} and table["value"].iloc[0] == pytest.approx(-0.3, abs=0.05)


def test_the_parts_of_a_claim_make_its_verdict():
    assert claim_verdict(["holds", "holds"]) == SUPPORTED
    assert claim_verdict(["holds", "fails"]) == MIXED
    assert claim_verdict(["fails", "undecided"]) == REFUTED
    assert claim_verdict(["no effect", "holds"]) == MIXED
    assert claim_verdict(["holds", "undecided"]) == UNDECIDED
    assert claim_verdict(["the study s was not run"]) == UNDECIDED


def test_one_seed_decides_nothing(tmp_path):
    table = settle(claim(vanishes()), evidence(tmp_path, {"deep": (DEEP, -5, 0.5)}, seeds=1))
    assert table["outcome"].iloc[0] == "undecided: one random seed" and table["verdict"].iloc[0] == UNDECIDED
    assert "one random seed" in claims_table(table) and "[" not in claims_table(table)


def test_what_is_missing_is_not_decided_and_says_what(tmp_path):
    found = evidence(tmp_path, {"deep": (DEEP, -5, 0.5)})
    cases = {
        "the study t was not run": vanishes(study="t"),
        "s has no arm with architecture vgg16": vanishes(arm={"architecture": "vgg16"}),
        "no run of it gave a finite number": vanishes(
            measure="ratio", **{"with": {"at": "init", "layers": ["features.0", "conv9"]}}
        ),
        "needs dataset cifar10, these runs have digits": vanishes(needs={"dataset": {"one_of": ["cifar10"]}}),
        "needs epochs 20 or more, these runs have 4": vanishes(needs={"epochs": {"at_least": 20}}),
        "needs depth 20, these runs have none": vanishes(needs={"depth": {"one_of": [20]}}),
        "this run has no network with architecture vgg16": {
            "says": "n", "cost": {"architecture": "vgg16"}, "measure": "parameters_full", "below": 1,
        },
        "no network with depth 56 was measured": {
            "says": "n", "depth_at_init": {"depth": 56}, "measure": "decades", "below": 1,
        },
        "no network with architecture vgg38, init he was measured": {
            "says": "n", "theory": {"architecture": "vgg38", "init": "he"}, "measure": "measured", "below": 1,
        },
        "no networks of 5 layers, width 10, relu-he were drawn": {
            "says": "n", "random_mlps": {"activation": "relu", "init": "he", "depth": 5, "width": 10}, "below": 1,
        },
    }  # fmt: skip
    for reason, test in cases.items():
        table = settle(claim(test), found)
        assert table["outcome"].iloc[0] == reason and table["verdict"].iloc[0] == UNDECIDED


def test_an_ambiguous_arm_is_said_not_guessed(tmp_path):
    arms = {"relu": (DEEP, -1, 0.5), "elu": (DEEP | {"activation": "elu"}, -5, 0.5)}
    table = settle(claim(vanishes()), evidence(tmp_path, arms))
    assert "several arms with architecture vgg_deep: elu; relu" in table["outcome"].iloc[0]


@pytest.mark.parametrize(
    ("value", "region", "holds"),
    [
        (1.0, {"above": 0}, True), (-1.0, {"above": 0}, False), (1.0, {"below": 0}, False),
        (1.0, {"between": [0.5, 1.5]}, True), (2.0, {"between": [0.5, 1.5]}, False),
        (0.0, {"between": [0.5, 1.5]}, False), (-1.0, {"beyond": 0.5}, True), (0.2, {"beyond": 0.5}, False),
    ],
)  # fmt: skip
def test_regions_hold_and_fail_where_they_say(value, region, holds):
    values = value + np.array([-0.01, 0.0, 0.01])
    found, p = compare_to_region(estimate_mean(values), region)
    assert found == holds and p < 0.01
    wide = value + np.array([-30.0, 0.0, 30.0])
    assert compare_to_region(estimate_mean(wide), region)[1] > 0.25


@pytest.mark.parametrize(
    ("values", "region", "outcome"),
    [
        ([np.inf, 4.0, 5.0, 6.0, 4.0, 5.0, 6.0], {"above": 1}, "holds"),
        ([np.inf, 4.0, 5.0, 6.0, 4.0, 5.0, 6.0], {"below": -2}, "fails"),
        ([-np.inf] * 7, {"below": -2}, "holds"),
        ([np.inf, 4.0, 5.0], {"above": 1}, "undecided"),  # three seeds alone cannot decide by their signs
        ([-np.inf, 0.1, 0.2], {"beyond": 0.3}, "undecided"),
        ([-np.inf, 1.0, 1.0], {"between": [-2, 2]}, "undecided"),
        ([np.nan, -5.0, -5.1], {"below": -2}, "undecided: not finite in 1 of 3 random seeds"),
        ([0.5, 0.5, 0.5], {"above": 0}, "undecided"),  # the same share of a few images thrice is no certainty
    ],
)
def test_infinite_and_lost_seeds_never_turn_a_verdict_round(values, region, outcome):
    measured = pd.DataFrame({"depth": 8, "seed": range(len(values)), "decades": values})
    test = {"says": "n", "depth_at_init": {"depth": 8}, "measure": "decades"} | region
    assert settle(claim(test), {"depth_at_init": measured})["outcome"].iloc[0].startswith(outcome)


def test_theory_is_evidence_by_architecture_and_initialisation_random_seed_by_random_seed():
    kinds = [(init, seed, -6.0 - seed / 10, share) for seed in range(4) for init, share in (("default", -5), ("he", 0))]
    table = pd.DataFrame(kinds, columns=["init", "seed", "measured", "weights"]).assign(architecture="vgg19")
    default = {"theory": {"architecture": "vgg19", "init": "default"}}
    tests = [
        {"says": "vanishes", **default, "measure": "measured", "below": -2},
        {
            "says": "the weights' share", **default, "measure": "weights",
            "minus": {"theory": {"init": "he"}}, "below": -2,
        },
    ]  # fmt: skip
    settled = settle(claim(*tests), {"theory": table})
    assert list(settled["value"].round(2)) == [-6.15, -5.0] and settled["outcome"].iloc[0] == "holds"


def test_random_networks_are_compared_by_their_medians():
    generator = np.random.default_rng(0)

    def norms(log):
        drawn = np.ones((400, 10))
        drawn[:, 0] = 10.0 ** (log + generator.standard_t(2, 400) * 0.3)
        drawn[:40, 0] = drawn[:40, -2] = 0  # dead networks have no ratio
        return drawn

    drawn = {"sigmoid-default": norms(-4), "sigmoid-he": norms(-3), "tanh-he": norms(-3)}
    network = {"activation": "sigmoid", "init": "default", "depth": 5, "width": 10}
    tests = [
        {"says": "vanishes", "random_mlps": network, "below": -2},
        {"says": "init moves it", "random_mlps": network, "minus": {"random_mlps": {"init": "he"}}, "beyond": 0.3},
        {"says": "tanh", "random_mlps": network | {"init": "he"}, "minus": {"random_mlps": {"activation": "tanh"}},
         "beyond": 0.3},
    ]  # fmt: skip
    assert list(settle(claim(*tests), {"random_mlps": {(5, 10): drawn}})["outcome"]) == ["holds", "holds", "no effect"]


def test_counted_numbers_are_exact_and_need_no_seeds():
    cost = pd.DataFrame(
        {"architecture": ["vgg16", "resnet18"], "skip": [None, True], "parameters_full": [134e6, 67e6]}
    ).astype({"skip": "boolean"})
    test = {"says": "n", "cost": {"architecture": "resnet18", "skip": True}, "measure": "parameters_full", "below": 1}
    test["over"] = {"architecture": "vgg16", "skip": None}
    equal = test | {"below": 0.5}
    table = settle(claim(test, equal), {"cost": cost})
    assert list(table["outcome"]) == ["holds", "fails"] and table["value"].iloc[0] == 0.5
    assert table["p"].isna().all()  # certain, and no help to the tests that are corrected for their number
    assert table["low"].isna().all() and (table["n"] == 0).all() and "[" not in claims_table(table)


def test_a_table_of_an_earlier_version_is_no_evidence(tmp_path):
    (tmp_path / "probes.csv").write_text("depth,skip,batch_norm,seed,decades\n8,True,True,0,-1\n")
    with pytest.raises(GradflowError, match=r"probes\.csv is called depth_at_init\.parquet now: remove it and run"):
        gather(tmp_path.iterdir())


def test_an_absent_setting_meets_no_requirement():
    runs = empty_table("runs").reindex(range(2)).assign(architecture="vgg16", label="VGG-16")
    study = type("Study", (), {"runs": runs, "name": "s"})
    test = {"study": "s", "arm": {"architecture": "vgg16"}}
    lacking = kind_of(test).lacking({"depth": {"at_least": 20}}, test, {"s": study})
    assert lacking == "needs depth 20 or more, these runs have none"


def test_missing_evidence_is_an_exception_of_its_own():
    with pytest.raises(Missing):
        kind_of(vanishes()).measure(vanishes(), gather([])["study"])
