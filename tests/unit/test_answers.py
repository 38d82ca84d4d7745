"""The prose follows the data: tables with a known truth give its words, other tables other words."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gradflow.analysis.ablations import ablations, effects, with_and_without
from gradflow.analysis.statistics import Estimate
from gradflow.analysis.study import StudyTables
from gradflow.analysis.tables import empty_table
from gradflow.analysis.verdicts import arm_verdicts
from gradflow.causes import CAUSES
from gradflow.labels import PHASES, SHOWN_PHASES
from gradflow.report import wording
from gradflow.report.prose.ablations import ablation_summary, ablation_table, effect
from gradflow.report.prose.random_mlps import sigmoid_and_friends, what_changes
from gradflow.report.prose.theory import how_well, why
from gradflow.report.prose.vanishing import does_it_vanish
from gradflow.report.prose.verdicts import verdict_table
from gradflow.runs import Run
from gradflow.thresholds import THRESHOLDS


def study(arms, seeds=3, layers=13, noise=0.02):
    """A study whose arms have the given decades from last to first layer; arms: {label: (decades, settings)}."""
    generator = np.random.default_rng(0)
    arm_rows, profiles, runs = [], [], []
    for number, (label, (decades, settings)) in enumerate(arms.items()):
        for seed in range(seeds):
            run = f"{number}-{seed}"
            arm_rows.append({"study": "s", "title": "T", "arm": number, "label": label, "run": run, "seed": seed})
            noisy = decades + generator.normal(0, noise)
            for phase in PHASES:
                values = 10.0 ** (noisy * np.linspace(1, 0, layers))
                profiles.append(
                    pd.DataFrame({
                        "arm": number, "label": label, "run": run, "phase": phase, "quantity": "grad_sample_norm",
                        "layer": [f"conv{i}" for i in range(layers)], "depth": range(layers), "value": values,
                    })
                )  # fmt: skip
            row = dict.fromkeys([field.name for field in fields(Run)], "same") | {
                "options": "",
                "optimizer_options": "",
            }
            row |= {"train_accuracy": 0.95, "first_layer_weights": 100} | settings
            runs.append(row | {"label": label, "run": run, "seed": seed, "status": "completed", "test_accuracy": 0.5})
    arms_table = pd.DataFrame(arm_rows).assign(architecture="vgg16", colour="#000000", beside="[]")
    empty, seeds = pd.DataFrame(), arms_table[["label", "run", "seed"]]
    theory = explained({label: decades for label, (decades, _) in arms.items()}, arms_table)
    tables = (pd.concat(profiles), empty, empty, pd.DataFrame(runs), seeds, theory, empty_table("theory_layers"))
    return StudyTables("s", "T", arms_table, *tables, Path())


def explained(decades, arms):
    """Explanations in which weights take all that is lost but half a decade, and a twentieth is not predicted."""
    table = arms[["arm", "label", "seed"]].assign(start=arms["label"], reason="", no_rule="", pure=np.nan)
    table = table.assign(measured=table["label"].map(decades).astype(float), **dict.fromkeys(CAUSES, 0.0))
    table["predicted"] = table["measured"] - 0.05
    return table.assign(residual=0.05, padding=-0.5, weights=table["predicted"] + 0.5)


@pytest.mark.parametrize(("decades", "word"), [(-5, "vanishing"), (0.3, "healthy"), (4, "exploding")])
def test_the_verdict_is_the_truth_of_the_table(decades, word):
    table = study({"arm": (decades, {})})
    assert set(arm_verdicts(table, THRESHOLDS).values()) == {word}
    assert f"is **{word}** at init and **{word}** at the end" in does_it_vanish(table, THRESHOLDS)
    assert verdict_table(table, THRESHOLDS).count(f"**{word}**") == len(SHOWN_PHASES)


def test_layer_ratios_are_the_tables_own():
    table = study({"arm": (-6, {})}, noise=0)  # half a decade a layer: layer 2 over layer 10 is 10^-4
    said = does_it_vanish(table, THRESHOLDS)
    assert (
        "layer 2 (<code>conv1</code>) is 1.0·10⁻⁴× [1.0·10⁻⁴, 1.0·10⁻⁴] that of layer 10 (<code>conv9</code>)" in said
    )
    assert "that of the first layer 1.0·10⁻⁶×" in said


def test_one_seed_has_no_interval():
    said = does_it_vanish(study({"arm": (-6, {})}, seeds=1), THRESHOLDS)
    assert "(one random seed)" in said and "[" not in said


def test_the_why_is_the_prediction_beside_the_measurement_and_its_causes():
    table = study({"arm": (-6, {}), "other": (2, {})}, noise=0)
    row = why(table).splitlines()[-2]
    assert row.startswith("| arm | −6.00 [−6.00,\u00a0−6.00] | −6.05 [−6.05,\u00a0−6.05] | +0.05 [+0.05,")
    assert row.endswith("| – | −5.5 weights, −0.5 padding |")
    said = how_well([table])
    assert "Over the 2 distinct networks" in said and "−6.0 to +2.0 decades" in said and "0.05 at most" in said


def test_an_operation_without_a_rule_and_a_network_that_is_not_explained_are_named():
    table = study({"arm": (-6, {}), "odd": (1, {})})
    odd = table.theory["label"] == "odd"
    table.theory.loc[odd, ["measured", "predicted", "residual"]] = np.nan
    table.theory.loc[odd, "reason"] = "GradflowError: one layer"
    table.theory.loc[~odd, "no_rule"] = "Fancy"
    assert "| odd | – | – | – | – | GradflowError&#58; one layer |" in why(table)
    assert "Over the 1 distinct networks" in how_well([table]) and "without a rule: Fancy;" in how_well([table])


def test_an_effect_is_found_where_there_is_one_and_only_there():
    present = study({"with": (-1, {"skip": True}), "without": (-4, {"skip": False})})
    pairs = with_and_without(present, "skip", True, False)
    (change,) = effects(present, present.run_decades("grad_sample_norm", "init"), pairs)
    assert change.difference.low < 3 < change.difference.high and change.difference.n == 3 and change.significant
    assert "raises the first layer's share by +3.0" in effect(present, "skip", True, False, "the skip")
    reverse = study({"with": (-4, {"skip": True}), "without": (-1, {"skip": False})})
    assert "lowers the first layer's share by −3.0" in effect(reverse, "skip", True, False, "the skip")
    absent = study({"with": (-1, {"skip": True}), "without": (-1, {"skip": False})}, noise=0.3)
    assert "not significant" in effect(absent, "skip", True, False, "the skip")
    alone = study({"with": (-1, {"skip": True}), "without": (-4, {"skip": False})}, seeds=1)
    assert "one random seed decides nothing" in effect(alone, "skip", True, False, "the skip")


def test_only_arms_that_differ_in_nothing_else_are_paired():
    mixed = study({"with": (-1, {"skip": True, "optimizer": "adam"}), "without": (-4, {"skip": False})})
    assert with_and_without(mixed, "skip", True, False) == []
    assert "No two arms" in effect(mixed, "skip", True, False, "the skip")


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
    assert wording.times(Estimate(log, log, log, 3)) == f"{said}× [{said}, {said}]"


@pytest.mark.parametrize(("log", "word"), [(-5, "vanishing"), (0, "healthy"), (5, "exploding")])
def test_random_networks_get_their_verdict_and_their_dead_draws_are_counted(log, word):
    norms = np.ones((20, 10))
    norms[:, 0] = 10.0 ** (log + np.random.default_rng(0).normal(0, 0.1, 20))
    norms[:5, 0] = 0
    said = sigmoid_and_friends({"sigmoid-he": norms}, THRESHOLDS)
    assert f"**{word}**" in said and "25% exactly zero" in said


def test_an_ablation_is_an_arm_and_the_first_that_differs_in_one_thing():
    arms = study({
        "sgd": (-1, {"optimizer": "sgd", "learning_rate": 0.01, "skip": True}),
        "adam": (-1, {"optimizer": "adam", "learning_rate": 0.001, "skip": True}),
        "sgd, no skip": (-3, {"optimizer": "sgd", "learning_rate": 0.01, "skip": False}),
        "adam, no skip": (-3, {"optimizer": "adam", "learning_rate": 0.001, "skip": False}),
        "another net": (-1, {"optimizer": "sgd", "learning_rate": 0.01, "skip": True, "architecture": "other"}),
    })  # fmt: skip
    assert ablations(arms) == [("adam", "sgd"), ("sgd, no skip", "sgd"), ("adam, no skip", "adam")]
    said = ablation_summary(arms)
    assert "A change of the decades at init is significant in 2 of 3 pairs that differ" in said
    assert "sgd, no skip against sgd −2.0" in said and "No change of the test accuracy is significant." in said
    table = ablation_table(arms)
    assert table.count("**−2.0") == 4 and len(table.splitlines()) == 5


def test_what_is_found_in_many_comparisons_must_stand_their_number():
    """Twenty arms that change nothing: hardly any of them is said to."""
    arms = {"base": (-1, {"kernel": 0})} | {f"arm {n}": (-1, {"kernel": n}) for n in range(1, 21)}
    table = study(arms, noise=0.3)
    found = effects(table, table.run_decades("grad_sample_norm", "init"), ablations(table))
    assert len(found) == 20 and sum(one.significant for one in found) <= 1


def test_what_activations_and_inits_change_in_random_networks_is_said_as_it_is():
    generator = np.random.default_rng(0)

    def norms(log):
        drawn = np.ones((300, 10))
        drawn[:, 0] = 10.0 ** (log + generator.normal(0, 0.2, 300))
        return drawn

    draws = {"sigmoid-default": norms(-4), "leaky_relu-default": norms(-1), "sigmoid-he": norms(-4)}
    draws |= {"leaky_relu-he": norms(0), "relu-default": np.zeros((300, 10))}
    said = what_changes(draws, 5, THRESHOLDS)
    sigmoid, leaky = said.splitlines()
    assert "a layer: vanishing" in sigmoid and "0.099× [" in sigmoid  # a decade at each of four steps
    assert "He's changes the ratio by" in sigmoid and "not significant" in sigmoid
    assert "healthy. Against the sigmoid it raises the ratio by +3.0" in leaky
    assert "He's raises the ratio by +1.0" in leaky
    turned = what_changes(draws | {"sigmoid-default": norms(2)}, 5, THRESHOLDS)
    assert "Against the sigmoid it lowers the ratio by −3.0" in turned
