"""The prose follows the data: tables with a known truth give its words, other tables other words."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gradflow import answers, wording
from gradflow.metrics import MOMENTS, Interval
from gradflow.study_tables import StudyTables

THRESHOLDS = {"vanishing_below": -2, "exploding_above": 2}


def study(arms, seeds=3, layers=13, noise=0.02):
    """A study whose arms have the given decades from last to first layer; arms: {label: (decades, settings)}."""
    generator = np.random.default_rng(0)
    arm_rows, profiles, runs = [], [], []
    for number, (label, (decades, settings)) in enumerate(arms.items()):
        for seed in range(seeds):
            run = f"{number}-{seed}"
            arm_rows.append({"study": "s", "title": "T", "arm": number, "label": label, "run": run, "seed": seed})
            noisy = decades + generator.normal(0, noise)
            for moment in MOMENTS:
                values = 10.0 ** (noisy * np.linspace(1, 0, layers))
                profiles.append(
                    pd.DataFrame({
                        "arm": number, "label": label, "run": run, "moment": moment, "quantity": "grad_sample_norm",
                        "layer": [f"conv{i}" for i in range(layers)], "depth": range(layers), "value": values,
                    })
                )  # fmt: skip
            row = dict.fromkeys(answers.SETTINGS, "same") | settings
            runs.append(row | {"label": label, "run": run, "seed": seed, "status": "completed", "test_accuracy": 0.5})
    arms_table = pd.DataFrame(arm_rows).assign(architecture="vgg16")
    empty = pd.DataFrame()
    return StudyTables("s", "T", arms_table, pd.concat(profiles), empty, empty, pd.DataFrame(runs), Path())


@pytest.mark.parametrize(("decades", "word"), [(-5, "vanishing"), (0.3, "healthy"), (4, "exploding")])
def test_the_verdict_is_the_truth_of_the_table(decades, word):
    table = study({"arm": (decades, {})})
    assert set(table.verdicts(THRESHOLDS).values()) == {word}
    assert f"is **{word}** at init and **{word}** at the end" in answers.does_it_vanish(table, THRESHOLDS)
    assert answers.verdict_table(table, THRESHOLDS).count(f"**{word}**") == len(MOMENTS)


def test_layer_ratios_are_the_tables_own():
    table = study({"arm": (-6, {})}, noise=0)  # half a decade a layer: layer 2 over layer 10 is 10^-4
    said = answers.does_it_vanish(table, THRESHOLDS)
    assert "layer 2 (`conv1`) is 1.0·10⁻⁴× [1.0·10⁻⁴, 1.0·10⁻⁴] that of layer 10 (`conv9`)" in said
    assert "that of the first layer 1.0·10⁻⁶×" in said


def test_one_seed_has_no_interval():
    said = answers.does_it_vanish(study({"arm": (-6, {})}, seeds=1), THRESHOLDS)
    assert "(one seed)" in said and "[" not in said


def test_the_product_of_factors_meets_the_ratio_end_to_end():
    row = answers.chain_rule(study({"arm": (-6, {})}, noise=0)).splitlines()[-1]
    assert row == "| arm | 12 | 12 | 0.32 | 0.32 | 0.32 | 1.0·10⁻⁶× | 1.0·10⁻⁶× [1.0·10⁻⁶, 1.0·10⁻⁶] |"


def test_an_effect_is_found_where_there_is_one_and_only_there():
    present = study({"with": (-1, {"skip": True}), "without": (-4, {"skip": False})})
    change = answers.contrast(present, "skip", True, False, "init")["with"]
    assert change.low < 3 < change.high and change.count == 3
    assert "raises the first layer's share by +3.0" in answers.effect(present, "skip", True, False, "the skip")
    reverse = study({"with": (-4, {"skip": True}), "without": (-1, {"skip": False})})
    assert "lowers the first layer's share by −3.0" in answers.effect(reverse, "skip", True, False, "the skip")
    absent = study({"with": (-1, {"skip": True}), "without": (-1, {"skip": False})}, noise=0.3)
    assert "includes no change" in answers.effect(absent, "skip", True, False, "the skip")


def test_only_arms_that_differ_in_nothing_else_are_paired():
    mixed = study({"with": (-1, {"skip": True, "optimizer": "adam"}), "without": (-4, {"skip": False})})
    assert answers.contrast(mixed, "skip", True, False, "init") == {}
    assert "No two arms" in answers.effect(mixed, "skip", True, False, "the skip")


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (0, "1"),
        (1.57, "37"),
        (-1.6, "0.025"),
        (-16.5, "3.2·10⁻¹⁷"),
        (4, "1.0·10⁴"),
        (4.9999, "1.0·10⁵"),
        (-np.inf, "0"),
    ],
)
def test_ratios_are_written_readably(log, said):
    assert wording.times(Interval(log, log, log, 3)) == f"{said}× [{said}, {said}]"


@pytest.mark.parametrize(("log", "word"), [(-5, "vanishing"), (0, "healthy"), (5, "exploding")])
def test_random_networks_get_their_verdict_and_their_dead_draws_are_counted(log, word):
    norms = np.ones((20, 10))
    norms[:, 0] = 10.0 ** (log + np.random.default_rng(0).normal(0, 0.1, 20))
    norms[:5, 0] = 0
    said = answers.sigmoid_and_friends({"sigmoid-he": norms}, THRESHOLDS)
    assert f"**{word}**" in said and "25% exactly zero" in said
