"""Verdicts on arms: profile and size, the ends and the slope, what has no end, and what has not learnt."""

import numpy as np
import pytest

from gradflow.analysis.aggregation import profile_table
from gradflow.analysis.claims.evidence import gather
from gradflow.analysis.claims.settle import settle
from gradflow.analysis.study import read_study
from gradflow.analysis.tables import empty_table
from gradflow.analysis.verdicts import arm_verdicts
from gradflow.config.verdict import Verdict
from gradflow.labels import PHASES, SHOWN_PHASES
from gradflow.report.figures import decades, effects, profile_weight
from gradflow.report.prose.ablations import ablation_table, effect
from gradflow.report.prose.claims import early_against_deep
from gradflow.report.prose.vanishing import does_it_vanish
from gradflow.report.prose.verdicts import not_learnt, verdict_key, verdict_table
from gradflow.thresholds import THRESHOLDS
from synthetic import a_run, claim, draw_figures, result, vanishes, write_study_tables


def arm(values=-1, accuracy=0.95, status="completed", seeds=2, sizes=None, **settings):
    """The runs of an arm; sizes: {quantity: what it is at every layer and step}."""
    made = []
    for seed in range(seeds):
        one = result(a_run("vgg_deep", seed=seed, **settings), values, accuracy, status=status)
        for quantity, size in (sizes or {}).items():
            one.arrays[quantity][:] = size * (1 + seed / 100)
        made.append(one)
    return made


def tables(folder, **arms):
    return read_study(write_study_tables(folder / "tables", {"s": arms}), "s")


def test_the_configuration_has_the_thresholds_of_the_library():
    assert Verdict.model_validate({}) == THRESHOLDS


def test_a_verdict_says_profile_and_size_each_from_what_it_is_about(tmp_path):
    """Half an ulp under SGD and before any update, Adam's epsilon under Adam, whose updates are lively all the same."""
    lively, still = {"update_ratio": 1e-3}, {"update_ratio": 1e-9}
    small = lively | {"weight_grad_norm": 0.5e-7, "weight_norm": 1.0}  # of 100 weights: half of epsilon each
    large = lively | {"weight_grad_norm": 2e-7, "weight_norm": 1.0}
    study = tables(
        tmp_path,
        sgd=arm(-6, sizes=lively),
        still=arm(0, sizes=still | {"weight_grad_norm": 1.0, "weight_norm": 1.0}, momentum=0.9),
        adam=arm(-6, sizes=small, optimizer="adam"),
        large=arm(0, sizes=large, optimizer="adam", learning_rate=0.5),
        none=arm(0, sizes={"update_ratio": 0.0, "weight_grad_norm": 0.0}, learning_rate=0.1),
        edge=arm(0, sizes={"update_ratio": 6e-8 / 1.005}, learning_rate=0.2),
    )
    said = arm_verdicts(study, THRESHOLDS)
    assert {phase for _, phase in said} == set(SHOWN_PHASES)
    assert said["sgd", "end"] == "vanishing, alive" and said["still", "end"] == "healthy, dead"
    assert said["adam", "end"] == "vanishing, dead" and said["large", "end"] == "healthy, alive"
    assert said["still", "init"] == "healthy, alive" and said["adam", "init"] == "vanishing, dead"
    assert said["large", "init"] == "healthy, alive"
    assert said["none", "init"] == said["none", "end"] == "healthy, dead"
    assert said["edge", "end"] == "healthy, size undecided"
    assert arm_verdicts(study, THRESHOLDS | {"dead_update": 1e-2})["sgd", "end"] == "vanishing, dead"
    assert arm_verdicts(study, THRESHOLDS | {"dead_gradient": 1e-9})["adam", "end"] == "vanishing, alive"
    assert "**vanishing, dead**" in verdict_table(study, THRESHOLDS)
    assert "less than 6.0·10⁻⁸ of" in verdict_key(THRESHOLDS) and "is below 1.0·10⁻⁸" in verdict_key(THRESHOLDS)


def test_a_head_alone_makes_no_verdict_on_depth(tmp_path):
    runs = arm(0)
    for one in runs:
        one.arrays["grad_sample_norm"][:, -1] *= 1000
    said = arm_verdicts(tables(tmp_path, head=runs), THRESHOLDS)["head", "end"]
    assert said == "undecided, alive (vanishing by its ends, healthy by its slope)"


def test_a_run_that_stalled_has_no_end_and_a_second_half(tmp_path):
    (stalled,) = arm(-5, status="stalled", seeds=1)
    phases = profile_table(stalled)
    assert set(phases["phase"]) == set(PHASES) - {"end"}
    half = phases[(phases["phase"] == "second_half") & (phases["quantity"] == "update_ratio")]["value"]
    np.testing.assert_allclose(half, np.median(stalled["update_ratio"][20:], axis=0))


@pytest.fixture(scope="module")
def partly(tmp_path_factory):
    """An arm that trained, one of which a run stalled, and one that stalled."""
    folder = tmp_path_factory.mktemp("partly")
    some = [*arm(-5, seeds=3, accuracy=0.5, init="xavier")[:2], arm(-5, seeds=3, status="stalled", init="xavier")[2]]
    all_ = arm(-5, 0.11, "stalled", seeds=3, init="default")
    tables(folder, whole=arm(-1, seeds=3, init="he"), some=some, stalled=all_)
    return folder


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A study that stalled as a whole: there is no row of the end at all."""
    folder = tmp_path_factory.mktemp("alone")
    tables(folder, one=arm(-5, 0.1, "stalled", init="he"), other=arm(-4, 0.1, "diverged", init="default"))
    return folder


def test_what_has_no_end_is_said_in_prose(partly):
    study = read_study(partly / "tables", "s")
    said = arm_verdicts(study, THRESHOLDS)
    assert said["stalled", "end"] == "stalled: no end"
    assert said["some", "end"] == "vanishing, alive (1 of 3 stalled: no end)"
    assert "- **stalled** is **vanishing, alive** at init; **stalled: no end**." in does_it_vanish(study, THRESHOLDS)
    assert "| **stalled: no end**<br>– |" in verdict_table(study, THRESHOLDS)
    assert ablation_table(study).count("| stalled: no end |") == 1
    assert "there is no end to compare (stalled: no end)." in effect(study, "init", "default", "he", "the init")
    assert "at the end of training it lowers" in effect(study, "init", "xavier", "he", "the init")


def test_a_study_without_any_end_is_drawn_and_said(alone):
    study = read_study(alone / "tables", "s")
    assert set(draw_figures(alone, "s")) > {"decades", "effects", "profile_activation"}
    said = arm_verdicts(study, THRESHOLDS)
    assert (said["one", "end"], said["other", "end"]) == ("stalled: no end", "diverged: no end")
    assert early_against_deep(study, empty_table("claims")).count("| stalled: no end |") == 3
    test = vanishes(measure="per_layer", arm={"init": "he"}, **{"with": {"at": "end"}})
    table = settle(claim(test), gather((alone / "tables").iterdir()))
    assert table["outcome"].iloc[0] == "no run of it gave a finite number"


def words_of(figure) -> list[str]:
    """What a figure says in its panels and above them."""
    texts = [text.get_text() for axis in figure.axes for text in axis.texts]
    titles = [axis.get_title(loc=where) for axis in figure.axes for where in ("left", "center")]
    return [*texts, *titles, figure.get_suptitle()]


def test_figures_say_what_has_no_end(partly, alone):
    study = read_study(partly / "tables", "s")
    assert {"stalled: no end", "1 of 3 stalled: no end"} <= set(words_of(decades.draw(study, THRESHOLDS)))
    assert words_of(effects.draw(study)).count("stalled: no end") == 1
    titles = " ".join(" ".join(words_of(profile_weight.draw(study, THRESHOLDS))).split())
    assert "; stalled: no end" in titles and "; 1 of 3 stalled: no end" in titles
    assert "random seeds at init 3, at the end 3" in titles
    none = read_study(alone / "tables", "s")
    assert "at the end 0" in " ".join(words_of(profile_weight.draw(none, THRESHOLDS)))


def test_arms_that_have_not_learnt_are_named_beside_the_finding(partly, tmp_path):
    study = read_study(partly / "tables", "s")
    said = not_learnt(study, THRESHOLDS, "Its weights are too small.")
    assert said.startswith("**Not learnt** (mean training accuracy in the last epoch below 0.9): some (0.6")
    assert said.count("stalled (0.1") == 1 and "whole" not in said and said.endswith("*Its weights are too small.*")
    assert not_learnt(study, THRESHOLDS).endswith(").")
    assert not_learnt(study, THRESHOLDS | {"learnt_above": 0.05}, "Never seen.").startswith("Every arm has learnt: ")
    assert "Never seen." not in not_learnt(study, THRESHOLDS | {"learnt_above": 0.05}, "Never seen.")
    lost = tables(tmp_path, lost=arm(accuracy=np.nan))
    assert "lost (not finite)" in not_learnt(lost, THRESHOLDS)
