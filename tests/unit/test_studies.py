"""Studies expand into runs whose names say what they are and change only when the science does."""

import copy
import itertools
import re
from dataclasses import replace

import pytest

from conftest import ROOT
from gradflow import GradflowError, studies
from gradflow.config import configuration
from gradflow.labels import arm_labels


def config():
    return configuration.read_configuration(ROOT / "config.yaml")


def expanded(change=None):
    settings = config()
    if change:
        change(settings)
    return studies.expand(settings)


def test_the_default_has_the_seeds_studies_at_two_or_more_seeds():
    plan = {study.name: study for study in expanded()}
    arms = {"vgg_depth": 5, "skip": 6, "vgg_deep": 7, "kernel": 3, "pooling": 2, "activation": 6, "pointwise": 2}
    arms |= {"batch_norm": 4, "init": 3, "optimizer": 6, "deep_mlp": 4, "depth_scan": 4}
    assert {name: len(study.arms) for name, study in plan.items()} == arms
    assert all(len(arm.runs) >= 2 for study in plan.values() for arm in study.arms)
    assert len(studies.distinct_runs(plan.values())) >= 30


def test_run_ids_are_readable_distinct_and_end_in_eight_hex_digits():
    runs = [run for study in expanded() for run in study.runs]
    assert len({run.id for run in runs}) == len(set(runs))
    for run in runs:
        assert re.fullmatch(r"[a-z0-9-]+-s\d+-[0-9a-f]{8}", run.id) and len(run.id) < 80
    assert any(run.id.startswith("resnet50-no-skip-bn-default-sgd-digits-s1-") for run in runs)


def ids(plan):
    return [run.id for study in plan for run in study.runs]


def test_ids_do_not_depend_on_device_threads_paths_or_titles():
    def change(settings):
        settings["device"], settings["threads"] = "cpu", 4
        settings["studies"]["skip"]["title"] = "another title"
        settings["datasets"]["digits"]["path"] = "elsewhere"

    assert ids(expanded()) == ids(expanded(change))


def test_ids_change_with_every_scientific_setting():
    base = expanded()[0].arms[0].runs[0]
    others = [
        replace(base, **{field: value})
        for field, value in [("seed", 9), ("width", 0.5), ("init", "xavier"), ("epochs", 99), ("image_size", 64),
                             ("learning_rate", 0.5), ("batch_norm", True), ("precision", "bf16")]
    ]  # fmt: skip
    assert len({run.id for run in [base, *others]}) == len(others) + 1


def test_0_and_0_0_are_one_run():
    def change(settings):
        settings["studies"]["vgg_deep"]["vary"] = [{"architecture": "vgg_deep", "momentum": m} for m in (0, 0.0)]
        settings["studies"]["vgg_deep"]["vary"].append({"architecture": "vgg_deep"})
        settings["select"] = ["vgg_deep"]

    (study,) = expanded(change)
    assert len(study.arms) == 1


def test_runs_that_studies_share_are_trained_once():
    def change(settings):
        settings["studies"]["again"] = copy.deepcopy(settings["studies"]["skip"])
        settings["studies"]["again"]["question"] = "the same runs, asked something else"
        settings["select"] = ["skip", "again"]

    plan = expanded(change)
    assert len(ids(plan)) == 2 * len(studies.distinct_runs(plan))


def test_a_grid_that_repeats_a_point_adds_no_arm():
    def change(settings):
        settings["studies"]["skip"]["vary"].append(settings["studies"]["skip"]["vary"][0])

    assert len(expanded(change)[1].arms) == 6


SKIPS = {"question": "?", "base": {"architecture": "resnet18"}}
GRID = {"skip": [True, False], "batch_norm": [True, False], "learning_rate": [0.1, 0.01]}


def of_grid(exclude, *grids):
    """The arms of a study, as (skip, batch_norm, learning rate)."""
    study = SKIPS | {"vary": list(grids or [GRID]), "exclude": exclude}
    (plan,) = studies.expand(configuration.complete({"studies": {"s": study}, "select": ["s"]}))
    return [(arm.runs[0].skip, arm.runs[0].batch_norm, arm.runs[0].learning_rate) for arm in plan.arms]


def test_combinations_are_left_out_of_a_grid_by_value_by_list_and_by_what_the_base_says():
    every = list(itertools.product([True, False], [True, False], [0.1, 0.01]))
    assert of_grid([]) == every
    assert of_grid([{"skip": False, "batch_norm": False}]) == [arm for arm in every if arm[0] or arm[1]]
    both = [{"skip": False, "learning_rate": [0.1, 0.5]}, {"batch_norm": False, "learning_rate": 0.1}]
    assert of_grid(both) == [arm for arm in every if arm[2] != 0.1 or (arm[0] and arm[1])]
    assert of_grid([{"architecture": "resnet18", "epochs": 2, "skip": True}]) == every[4:]
    # what is left out need not make a run: VGGs have no skip
    vgg = {"architecture": ["resnet18", "vgg16"], "skip": [True], "batch_norm": False}
    assert of_grid([{"architecture": "vgg16"}], vgg) == [(True, False, 0.01)]


@pytest.mark.parametrize(
    "exclude, words",
    [
        ([{"skip": False}, {"optimizer": "adam"}], r"studies.s.exclude.1 leaves nothing out.*'adam'"),
        ([{"skip": [True, False]}], "studies.s.exclude leaves out every combination"),
        ([{"skips": False}], r"studies.s.exclude.0 has no key 'skips'; did you mean 'skip'"),
        ([{}], r"studies.s.exclude.0 is empty"),
    ],
)
def test_an_exclusion_that_cannot_be_meant_is_one_sentence(exclude, words):
    with pytest.raises(GradflowError, match=words):
        of_grid(exclude)


def test_crops_that_could_show_nothing_are_refused():
    with pytest.raises(GradflowError, match=r"studies.s.crop_padding is 32, and the images have 32 pixels a side"):
        of_grid([], {"crop_padding": [4, 32]})


def test_labels_are_distinct_and_say_what_varies():
    for study in expanded():
        labels = [arm.label for arm in study.arms]
        assert len(set(labels)) == len(labels)
    points = [{"architecture": "vgg16", "learning_rate": lr, "init": "he"} for lr in (0.1, 0.01)]
    assert arm_labels(points, {"vgg16": "VGG-16"}) == ["VGG-16, lr 0.1", "VGG-16, lr 0.01"]


def test_an_overlay_changes_the_scale_and_nothing_else():
    small = studies.expand(configuration.read_configuration(ROOT / "config.yaml", ROOT / "config" / "smoke.yaml"))
    assert {run.width for study in small for run in study.runs} == {0.03125}
    whole = {study.name: study.question for study in expanded()}
    assert {study.name: study.question for study in small}.items() <= whole.items()
