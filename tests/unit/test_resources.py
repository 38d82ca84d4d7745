"""What runs ask of a machine: enough for what was measured, plausible for the notebooks' own sizes, more on retry."""

from dataclasses import replace

import pytest

from conftest import ROOT
from gradflow import studies
from gradflow.config import configuration
from gradflow.data.sources import Source
from gradflow.runs import Run
from gradflow.runtime import requests as resources
from gradflow.runtime.requests import SMALL_MINUTES, Size, initial_minutes, memory_mb, minutes

# Default runs on two cores: architecture, optimizer -> seconds and peak MiB of their processes, the largest of all.
MEASURED = {
    ("cifar_resnet", "sgd"): (5.94, 713),
    ("resnet50", "adam"): (5.87, 685),
    ("vgg16", "adam"): (5.60, 715),
    ("vgg38", "adam"): (7.27, 726),
    ("vgg_deep", "adam"): (5.56, 775),
    ("vgg_shallow", "sgd"): (3.48, 656),
}
DIGITS, CIFAR10, TINY_IMAGENET = 1258, 50_000, 100_000


def planned(*overlays):
    """{(architecture, optimizer): (a run, the size of its network)} of a configuration."""
    plan = studies.expand(
        configuration.read_configuration(ROOT / "config.yaml", *(ROOT / "config" / name for name in overlays))
    )
    sizes = studies.check_models(plan)
    runs = [arm.runs[0] for study in plan for arm in study.arms]
    return {(run.architecture, run.optimizer): (run, sizes[run.id].size) for run in reversed(runs)}


@pytest.fixture(scope="module")
def default():
    return planned()


@pytest.fixture(scope="module")
def full():
    return planned("full.yaml")


@pytest.mark.parametrize("network", MEASURED)
def test_a_default_run_asks_for_more_than_it_took_and_shares_a_job(default, network):
    (run, size), (seconds, peak) = default[network], MEASURED[network]
    assert 2 * peak < memory_mb(run, size, DIGITS, gpu=0) < 2200
    assert 10 * seconds < 60 * minutes(run, size, DIGITS, gpu=0, threads=1) < 60 * SMALL_MINUTES


def test_sizes_are_those_that_are_published(full):
    _, vgg = full["vgg19", "adam"]
    assert vgg.parameters == pytest.approx(139.6e6, rel=0.01)  # ten classes
    assert vgg.flops == pytest.approx(6 * 19.63e9, rel=0.01)
    _, resnet = full["resnet50", "sgd"]
    assert resnet.flops == pytest.approx(6 * 4.09e9, rel=0.02)
    assert resnet.activation_bytes == pytest.approx(4 * 32e6, rel=0.2)  # about 11 M from its convolutions, thrice


@pytest.mark.parametrize(
    ("network", "images", "hours", "gib"),
    [(("vgg19", "adam"), CIFAR10, (2, 6), (8, 24)), (("resnet50", "sgd"), TINY_IMAGENET, (2, 6), (8, 16))],
)
def test_the_notebooks_own_runs_ask_for_hours_and_fit_a_gpu_node(full, network, images, hours, gib):
    run, size = full[network]
    assert hours[0] < minutes(run, size, images, gpu=1, threads=1) / 60 < hours[1]
    assert gib[0] < memory_mb(run, size, images, gpu=1) / 1024 < gib[1]


def test_each_attempt_asks_for_twice_as_much():
    run = Run("vgg16", "digits", "digits", 32, 0, 1.0)
    size = Size(10**9, 10**6, 10**7)
    for ask in (
        lambda attempt: memory_mb(run, size, DIGITS, 0, attempt),
        lambda attempt: minutes(run, size, DIGITS, 0, 1, attempt),
        lambda attempt: initial_minutes([(run, size)], 8, 0, 1, attempt),
        lambda attempt: resources.grown(60, attempt),
    ):
        assert ask(2) == 2 * ask(1) and ask(3) == 4 * ask(1)


def test_more_of_anything_asks_for_no_less():
    small, large = Size(10**9, 10**6, 10**6), Size(10**12, 10**8, 10**8)
    few, many = Run("vgg16", "d", "folder", 64, 0, 1.0, epochs=1), Run("vgg16", "d", "folder", 64, 0, 1.0, epochs=100)
    assert minutes(few, small, 1000, 0, 1) < minutes(many, small, 1000, 0, 1) < minutes(many, large, 1000, 0, 1)
    assert minutes(many, large, 1000, 0, 1) > minutes(many, large, 1000, 0, 4) > minutes(many, large, 1000, 1, 4)
    assert memory_mb(few, small, 10**4, 0) < memory_mb(few, small, 10**6, 0) < memory_mb(few, large, 10**6, 0)
    assert memory_mb(few, small, None, 0) > memory_mb(few, small, 10**4, 0)  # a folder nobody has counted


def test_images_count_at_the_side_and_with_the_channels_that_their_source_has(monkeypatch):
    run, size, asked = Run("vgg16", "d", "any", 64, 0, 1.0), Size(10**9, 10**6, 10**6), []
    for about, one in (({}, run), ({}, replace(run, channels=1)), ({"stored_side": 32}, run)):
        monkeypatch.setattr(resources, "get_source", lambda name, about=about: Source(None, **about))
        asked.append(memory_mb(one, size, 10**6, 0) - memory_mb(one, size, 1, 0))
    assert asked == pytest.approx([asked[0], asked[0] / 3, asked[0] / 4], rel=0.01)
