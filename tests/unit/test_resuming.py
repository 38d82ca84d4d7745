"""A run that was interrupted, however often and wherever, ends as if nothing had been."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from gradflow.training.checkpoint import Checkpoint
from gradflow.training.loop import train
from interruptions import POLLS, RUNS, assert_same, few_digits, interrupted

POINTS = 6  # random interruptions of each run


@pytest.fixture(scope="module")
def dataset(digits):
    return few_digits(digits)


@pytest.fixture(scope="module")
def whole(dataset):
    """The result of each run, never interrupted, by its name."""
    return {name: train(run, dataset) for name, run in RUNS.items()}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("point", range(POINTS))
def test_an_interrupted_run_ends_as_if_nothing_had_been(dataset, whole, tmp_path, name, point):
    draw = random.Random(f"{name} {point}")
    kinds = [
        {},  # stopped by a signal
        {"kill": True},  # killed: what is left is the last epoch's end
        {"kill": True, "minutes": 1e-9},  # killed, with a checkpoint of the step before
    ]
    times = 1 + point % 2  # every other time interrupted twice
    stopped = 0
    for _ in range(times):
        poll = draw.randrange(1, POLLS // times)
        stopped += interrupted(RUNS[name], dataset, tmp_path / "run.pt", poll, **kinds[point % 3])
    torch.manual_seed(draw.randrange(1000))  # what happened before must not matter
    result = train(RUNS[name], dataset, checkpoint=Checkpoint(tmp_path / "run.pt"))
    assert stopped or name == "a run that diverges"
    assert_same(result, whole[name])
    assert result.provenance["resumed_at"] == sorted(result.provenance["resumed_at"])


@pytest.mark.parametrize("poll", [6, 7, 8, 14, POLLS - 1])
def test_the_end_of_an_epoch_validation_and_test_are_good_moments(dataset, whole, tmp_path, poll):
    name = "Adam, dropout, a schedule"
    assert interrupted(RUNS[name], dataset, tmp_path / "run.pt", poll)
    result = train(RUNS[name], dataset, checkpoint=Checkpoint(tmp_path / "run.pt"))
    assert_same(result, whole[name])
    assert result.provenance["resumed_at"] == [min(poll // 8 * 6 + min(poll % 8 + 1, 6), 18)]


def test_a_run_that_diverged_is_over_when_it_is_taken_up(dataset, whole, tmp_path):
    name = "a run that diverges"
    epochs = len(whole[name]["train_loss"])
    assert epochs < RUNS[name].epochs and interrupted(RUNS[name], dataset, tmp_path / "run.pt", 8 * epochs)
    result = train(RUNS[name], dataset, checkpoint=Checkpoint(tmp_path / "run.pt"))
    assert_same(result, whole[name])
    assert result.provenance["resumed_at"] == [6 * epochs]


def test_saving_at_every_step_changes_nothing(dataset, whole, tmp_path):
    for name in ("Adam, dropout, a schedule", "a run that diverges"):
        result = train(RUNS[name], dataset, checkpoint=Checkpoint(tmp_path / f"{name}.pt", minutes=1e-9))
        assert_same(result, whole[name])
        assert result.provenance["resumed_at"] == []


def test_the_seconds_of_all_parts_are_added_up(dataset, tmp_path, monkeypatch):
    clock = iter(range(10**6))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(clock)))
    name = "AdamW, no batch norm"
    before = []
    for poll in (4, 12):
        assert interrupted(RUNS[name], dataset, tmp_path / "run.pt", poll)
        before.append(next(clock))
    result = train(RUNS[name], dataset, checkpoint=Checkpoint(tmp_path / "run.pt"))
    made = result.provenance
    assert made["resumed_at"] == [5, 14]
    assert sum(made["epoch_seconds"]) < made["seconds"] < next(clock)  # no gap between parts is counted
    assert len(made["epoch_seconds"]) == len(made["training_seconds"]) == RUNS[name].epochs
    assert all(0 < training < epoch for training, epoch in zip(made["training_seconds"], made["epoch_seconds"]))


def test_images_of_batches_already_seen_are_not_gathered(dataset, tmp_path):
    class Counted(np.ndarray):
        rows = 0

        def __getitem__(self, index):
            Counted.rows += len(index) if isinstance(index, np.ndarray) else 0
            return np.asarray(self)[index]

    counted = replace(dataset, images=dataset.images.view(Counted))
    assert interrupted(RUNS["AdamW, no batch norm"], dataset, tmp_path / "run.pt", 3)
    train(RUNS["AdamW, no batch norm"], counted, checkpoint=Checkpoint(tmp_path / "run.pt"))
    assert Counted.rows == 3 * 90 - 4 * 16 + 3 * 20 + 20
