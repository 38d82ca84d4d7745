"""Checkpoints: a run that was interrupted, however often, ends as if nothing had been; what does not fit is refused."""

import hashlib
import io
import json
import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from gradflow import GradflowError, checkpoints
from gradflow.checkpoints import Checkpoint
from gradflow.data import arrays
from gradflow.data.arrays import Dataset
from gradflow.files import atomic_write
from gradflow.progress import Progress
from gradflow.runs import Run
from gradflow.training import train

ADAM = {"optimizer": "adam", "learning_rate": 1e-3}
PLAIN = {"width": 0.125, "depth": 8, "skip": False, "batch_norm": False}
COMMON = {"source": "digits", "image_size": 32, "seed": 0, "init": "he", "batch_size": 16, "epochs": 3}
RUNS = {
    "SGD with momentum, batch norm, a schedule": Run(
        "resnet18", "digits", **COMMON, width=0.03125, batch_norm=True, momentum=0.9, step_size=1
    ),
    "Adam, dropout, a schedule": Run("vgg16", "digits", **COMMON, width=0.03125, dropout=0.5, step_size=2, **ADAM),
    "AdamW, no batch norm": Run("cifar_resnet", "digits", **COMMON, **PLAIN, optimizer="adamw", learning_rate=1e-3),
    "bf16, batch norm and dropout": Run(
        "vgg16_plus4", "digits", **COMMON, width=0.03125, batch_norm=True, dropout=0.3, precision="bf16"
    ),
    "a run that diverges": Run("cifar_resnet", "digits", **COMMON, **PLAIN, learning_rate=1000.0, momentum=0.9),
}
LOOKS = 3 * 6 + 3 * 2 + 2  # of 90 training images in batches of 16, and of 20 to validate and 20 to test
POINTS = 6  # random interruptions of each run


class Killed(BaseException):
    """The end of a process that had no time to save."""


class At:
    """In the place of StopSignals: it stops, or kills, the run at its n-th look."""

    def __init__(self, look: int, kill: bool = False):
        self._left, self._kill = look, kill

    @property
    def received(self):
        self._left -= 1
        if self._left < 0 and self._kill:
            raise Killed
        return "SIGTERM" if self._left < 0 else None


@pytest.fixture(scope="module")
def dataset(digits) -> Dataset:
    """The first 130 digits: 90 to train on, 20 to validate and 20 to test."""
    whole = arrays.load(digits)
    split = np.repeat([0, 1, 2], [90, 20, 20])
    return replace(whole, images=whole.images[:130], labels=whole.labels[:130], split=split, fingerprint="f" * 64)


@pytest.fixture(scope="module")
def whole(dataset):
    """The result of each run, never interrupted, by its name."""
    return {name: train(run, dataset) for name, run in RUNS.items()}


def interrupted(run, dataset, path, look, kill=False, minutes=10.0):
    """Train until the n-th look; whether it came to that."""
    try:
        train(run, dataset, checkpoint=Checkpoint(path, minutes, At(look, kill)))
    except GradflowError as error:
        assert "was stopped by SIGTERM at step" in str(error) and "\n" not in str(error)
    except Killed:
        pass
    else:
        return False
    return True


def assert_same(a, b):
    assert a.arrays.keys() == b.arrays.keys()
    for name in a.arrays:
        assert a[name].dtype == b[name].dtype and a[name].shape == b[name].shape, name
        assert a[name].tobytes() == b[name].tobytes(), name
    assert json.dumps(a.meta, sort_keys=True) == json.dumps(b.meta, sort_keys=True)


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
        look = draw.randrange(1, LOOKS // times)
        stopped += interrupted(RUNS[name], dataset, tmp_path / "run.pt", look, **kinds[point % 3])
    torch.manual_seed(draw.randrange(1000))  # what happened before must not matter
    result = train(RUNS[name], dataset, checkpoint=Checkpoint(tmp_path / "run.pt"))
    assert stopped or name == "a run that diverges"
    assert_same(result, whole[name])
    assert result.provenance["resumed_at"] == sorted(result.provenance["resumed_at"])


@pytest.mark.parametrize("look", [6, 7, 8, 14, LOOKS - 1])
def test_the_end_of_an_epoch_validation_and_test_are_good_moments(dataset, whole, tmp_path, look):
    name = "Adam, dropout, a schedule"
    assert interrupted(RUNS[name], dataset, tmp_path / "run.pt", look)
    result = train(RUNS[name], dataset, checkpoint=Checkpoint(tmp_path / "run.pt"))
    assert_same(result, whole[name])
    assert result.provenance["resumed_at"] == [min(look // 8 * 6 + min(look % 8 + 1, 6), 18)]


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
    for look in (4, 12):
        assert interrupted(RUNS[name], dataset, tmp_path / "run.pt", look)
        before.append(next(clock))
    result = train(RUNS[name], dataset, checkpoint=Checkpoint(tmp_path / "run.pt"))
    made = result.provenance
    assert made["resumed_at"] == [5, 14]
    assert sum(made["epoch_seconds"]) < made["seconds"] < next(clock)  # no gap between parts is counted
    assert len(made["epoch_seconds"]) == len(made["training_seconds"]) == RUNS[name].epochs
    assert all(0 < training < epoch for training, epoch in zip(made["training_seconds"], made["epoch_seconds"]))


NAME = "AdamW, no batch norm"


@pytest.fixture(scope="module")
def kept(dataset, tmp_path_factory):
    """The bytes of a checkpoint of the run NAME after five steps."""
    path = tmp_path_factory.mktemp("kept") / "run.pt"
    assert interrupted(RUNS[NAME], dataset, path, 4)
    return path.read_bytes()


def progress_of(run, dataset) -> Progress:
    """A run's progress as identity() needs it."""
    progress = object.__new__(Progress)
    progress.run, progress.device = run, torch.device("cpu")
    return progress


def test_the_checkpoint_kept_is_the_one_that_fits(dataset, kept, tmp_path):
    (tmp_path / "run.pt").write_bytes(kept)
    ours = checkpoints.identity(progress_of(RUNS[NAME], dataset), dataset, None)
    assert checkpoints.load(tmp_path / "run.pt", ours)["epoch"] == 0


def test_the_filters_before_training_are_those_of_the_first_start(dataset, kept, tmp_path):
    path, ours = tmp_path / "run.pt", checkpoints.identity(progress_of(RUNS[NAME], dataset), dataset, None)
    path.write_bytes(kept)
    state = checkpoints.load(path, ours)
    checkpoints.save(path, ours, state | {"filters_before": state["filters_before"] + 1})
    result = train(RUNS[NAME], dataset, checkpoint=Checkpoint(path))
    np.testing.assert_array_equal(result["filters_before"], state["filters_before"].numpy() + 1)


def test_other_settings_data_code_weights_or_machine_are_refused_and_the_run_starts_over(
    dataset, whole, kept, tmp_path, monkeypatch, capsys
):
    path = tmp_path / "run.pt"
    (tmp_path / "weights.pth").write_bytes(b"other weights")

    def trained(run=RUNS[NAME], dataset=dataset, weights=None):
        path.write_bytes(kept)
        with pytest.raises(Killed):
            train(run, dataset, weights=weights, checkpoint=Checkpoint(path, stop=At(1, kill=True)))
        return capsys.readouterr().out.splitlines()

    assert trained()[0].endswith("goes on from step 5 of 18.")
    (said,) = trained(replace(RUNS[NAME], learning_rate=0.5))
    assert "starts over" in said and "other settings: learning_rate 0.001 there, 0.5 here" in said
    (said,) = trained(dataset=replace(dataset, fingerprint="0" * 64))
    assert "starts over" in said and f"other data: {'f' * 64} there, {'0' * 64} here" in said
    (said,) = trained(weights=tmp_path / "weights.pth")
    assert "starts over" in said and "other pretrained weights: None there" in said
    elsewhere = {
        "code": ("gradflow.checkpoints.code_fingerprint", lambda module: "abc"),
        "torch version": ("torch.__version__", "9.9"),
        "number of threads": ("torch.get_num_threads", lambda: 64),
    }
    for name, (attribute, value) in elsewhere.items():
        with monkeypatch.context() as patch:
            patch.setattr(attribute, value)
            (said,) = trained()
        assert "starts over" in said and f"made with other {name}: " in said
    ours = checkpoints.identity(progress_of(RUNS[NAME], dataset), dataset, None)
    with pytest.raises(GradflowError, match="made with other device: cpu there, cuda here"):
        path.write_bytes(kept)
        checkpoints.load(path, ours | {"device": "cuda"})
    assert set(ours) == {*elsewhere, "settings", "data", "pretrained weights", "device"}  # all are tried above
    with monkeypatch.context() as patch:
        patch.setattr("torch.__version__", "9.9")
        path.write_bytes(kept)
        assert_same(train(RUNS[NAME], dataset, checkpoint=Checkpoint(path)), whole[NAME])


@pytest.mark.parametrize("damage", ["cut", "flipped", "appended"])
def test_a_damaged_checkpoint_is_recognised_wherever_it_is_damaged(dataset, kept, tmp_path, damage):
    ours = checkpoints.identity(progress_of(RUNS[NAME], dataset), dataset, None)
    draw = random.Random(damage)
    path = tmp_path / "run.pt"
    lengths = [0, 1, 31, 32, 33, len(kept) - 1, *(draw.randrange(len(kept)) for _ in range(20))]
    places = [0, len(kept) - 1, len(kept) - 32, *(draw.randrange(len(kept)) for _ in range(50))]
    damaged = {
        "cut": (kept[:length] for length in lengths),
        "flipped": (kept[:i] + bytes([kept[i] ^ 1 << draw.randrange(8)]) + kept[i + 1 :] for i in places),
        "appended": (kept + bytes(n) for n in (1, 32)),
    }
    for content in damaged[damage]:
        path.write_bytes(content)
        with pytest.raises(GradflowError, match=r"run\.pt is damaged") as caught:
            checkpoints.load(path, ours)
        assert "\n" not in str(caught.value)


def test_a_run_with_a_damaged_checkpoint_starts_over(dataset, whole, kept, tmp_path, capsys):
    path = tmp_path / "run.pt"
    path.write_bytes(kept[: len(kept) // 2])
    result = train(RUNS[NAME], dataset, checkpoint=Checkpoint(path))
    assert_same(result, whole[NAME])
    assert result.provenance["resumed_at"] == []
    assert "starts over: " in capsys.readouterr().out.splitlines()[0]


def test_pickled_code_is_not_run(dataset, tmp_path):
    class Trap:
        def __reduce__(self):
            return (exec, ("raise SystemExit('the trap was sprung')",))

    ours = checkpoints.identity(progress_of(RUNS[NAME], dataset), dataset, None)
    buffer = io.BytesIO()
    torch.save({"identity": ours, "state": Trap()}, buffer)
    path = tmp_path / "run.pt"
    path.write_bytes(buffer.getvalue() + hashlib.sha256(buffer.getvalue()).digest())
    with pytest.raises(GradflowError, match="no checkpoint of this gradflow"):
        checkpoints.load(path, ours)


def test_where_nothing_can_be_written_the_run_goes_on_and_says_so(dataset, whole, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    checkpoint = Checkpoint(tmp_path / "file" / "run.pt")
    result = train(RUNS[NAME], dataset, checkpoint=checkpoint)
    checkpoint.discard()
    assert_same(result, whole[NAME])
    said = [line for line in capsys.readouterr().out.splitlines() if "goes on without" in line]
    assert len(said) == 3 and "without a checkpoint of step 6: " in said[0] and "could not be written" in said[0]
    with pytest.raises(GradflowError, match=r"at step 4 of 18; no checkpoint of it could be kept.*begins anew.*file"):
        train(RUNS[NAME], dataset, checkpoint=Checkpoint(tmp_path / "file" / "run.pt", stop=At(3)))


def test_a_stop_without_room_says_where_the_next_start_goes_on(dataset, tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path / "run.pt", stop=At(12))

    def full(path, write):
        if len(list(tmp_path.iterdir())):
            raise GradflowError("the disk is full")
        atomic_write(path, write)

    monkeypatch.setattr(checkpoints, "atomic_write", full)
    with pytest.raises(
        GradflowError, match=r"at step 11 of 18; no checkpoint of it could be kept.* goes on from step 6"
    ):
        train(RUNS[NAME], dataset, checkpoint=checkpoint)


def test_discarding_removes_what_killed_writes_left_and_nothing_of_other_runs(tmp_path):
    for name in ("run.pt", ".run.pt.abcd1234", ".run.pt.efgh5678", "run-2.pt", ".run-2.pt.abcd1234", "[run].pt"):
        (tmp_path / name).touch()
    Checkpoint(tmp_path / "run.pt").discard()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".run-2.pt.abcd1234", "[run].pt", "run-2.pt"]
    Checkpoint(tmp_path / "run.pt").discard()  # nothing there is nothing to complain of


def test_images_of_batches_already_seen_are_not_gathered(dataset, tmp_path):
    class Counted(np.ndarray):
        rows = 0

        def __getitem__(self, index):
            Counted.rows += len(index) if isinstance(index, np.ndarray) else 0
            return np.asarray(self)[index]

    counted = replace(dataset, images=dataset.images.view(Counted))
    assert interrupted(RUNS[NAME], dataset, tmp_path / "run.pt", 3)
    train(RUNS[NAME], counted, checkpoint=Checkpoint(tmp_path / "run.pt"))
    assert Counted.rows == 3 * 90 - 4 * 16 + 3 * 20 + 20
