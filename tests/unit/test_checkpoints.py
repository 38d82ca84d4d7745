"""A checkpoint is resumed by the run it was made by, on the same footing; anything else is refused, and said."""

import hashlib
import io
import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from gradflow import GradflowError
from gradflow.files import atomic_write
from gradflow.training import checkpoint as checkpoints
from gradflow.training.checkpoint import Checkpoint
from gradflow.training.loop import train
from interruptions import RUNS, At, Killed, assert_same, few_digits, interrupted

NAME = "AdamW, no batch norm"


@pytest.fixture(scope="module")
def dataset(digits):
    return few_digits(digits)


@pytest.fixture(scope="module")
def whole(dataset):
    """The result of the run NAME, never interrupted."""
    return train(RUNS[NAME], dataset)


@pytest.fixture(scope="module")
def kept(dataset, tmp_path_factory):
    """The bytes of a checkpoint of the run NAME after five steps."""
    path = tmp_path_factory.mktemp("kept") / "run.pt"
    assert interrupted(RUNS[NAME], dataset, path, 4)
    return path.read_bytes()


def identity(dataset):
    """What the run NAME is known by here."""
    return checkpoints.identity(RUNS[NAME], None, dataset, None, torch.device("cpu"))


def test_the_checkpoint_kept_is_the_one_that_fits(dataset, kept, tmp_path):
    (tmp_path / "run.pt").write_bytes(kept)
    ours = identity(dataset)
    assert checkpoints.read_checkpoint(tmp_path / "run.pt", ours)["epoch"] == 0


def test_the_filters_before_training_are_those_of_the_first_start(dataset, kept, tmp_path):
    path, ours = tmp_path / "run.pt", identity(dataset)
    path.write_bytes(kept)
    state = checkpoints.read_checkpoint(path, ours)
    checkpoints.write_checkpoint(path, ours, state | {"filters_before": state["filters_before"] + 1})
    result = train(RUNS[NAME], dataset, checkpoint=Checkpoint(path))
    np.testing.assert_array_equal(result["filters_before"], state["filters_before"].numpy() + 1)


def test_other_settings_data_code_weights_or_machine_are_refused_and_the_run_starts_over(
    dataset, whole, kept, tmp_path, monkeypatch, capsys
):
    path = tmp_path / "run.pt"
    (tmp_path / "weights.pth").write_bytes(b"other weights")

    def trained(run=RUNS[NAME], dataset=dataset, weights=None, code=None):
        path.write_bytes(kept)
        with pytest.raises(Killed):
            train(run, dataset, weights=weights, checkpoint=Checkpoint(path, stop=At(1, kill=True), code=code))
        return capsys.readouterr().out.splitlines()

    assert trained()[0].endswith("goes on from step 5 of 18.")
    (said,) = trained(replace(RUNS[NAME], learning_rate=0.5))
    assert "starts over" in said and "other settings: learning_rate 0.001 there, 0.5 here" in said
    (said,) = trained(dataset=replace(dataset, fingerprint="0" * 64))
    assert "starts over" in said and f"other data: {'f' * 64} there, {'0' * 64} here" in said
    (said,) = trained(weights=tmp_path / "weights.pth")
    assert "starts over" in said and "other pretrained weights: None there" in said
    (said,) = trained(code="abc")
    assert "starts over" in said and "other code: None there, abc here" in said
    elsewhere = {
        "torch version": ("torch.__version__", "9.9"),
        "number of threads": ("torch.get_num_threads", lambda: 64),
    }
    for name, (attribute, value) in elsewhere.items():
        with monkeypatch.context() as patch:
            patch.setattr(attribute, value)
            (said,) = trained()
        assert "starts over" in said and f"made with other {name}: " in said
    ours = identity(dataset)
    with pytest.raises(GradflowError, match="made with other device: cpu there, cuda here"):
        path.write_bytes(kept)
        checkpoints.read_checkpoint(path, ours | {"device": "cuda"})
    assert set(ours) == {*elsewhere, "settings", "code", "data", "pretrained weights", "device"}  # all are tried above
    with monkeypatch.context() as patch:
        patch.setattr("torch.__version__", "9.9")
        path.write_bytes(kept)
        assert_same(train(RUNS[NAME], dataset, checkpoint=Checkpoint(path)), whole)


@pytest.mark.parametrize("damage", ["cut", "flipped", "appended"])
def test_a_damaged_checkpoint_is_recognised_wherever_it_is_damaged(dataset, kept, tmp_path, damage):
    ours = identity(dataset)
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
            checkpoints.read_checkpoint(path, ours)
        assert "\n" not in str(caught.value)


def test_a_run_with_a_damaged_checkpoint_starts_over(dataset, whole, kept, tmp_path, capsys):
    path = tmp_path / "run.pt"
    path.write_bytes(kept[: len(kept) // 2])
    result = train(RUNS[NAME], dataset, checkpoint=Checkpoint(path))
    assert_same(result, whole)
    assert result.provenance["resumed_at"] == []
    assert "starts over: " in capsys.readouterr().out.splitlines()[0]


def test_pickled_code_is_not_run(dataset, tmp_path):
    class Trap:
        def __reduce__(self):
            return (exec, ("raise SystemExit('the trap was sprung')",))

    ours = identity(dataset)
    buffer = io.BytesIO()
    torch.save({"identity": ours, "state": Trap()}, buffer)
    path = tmp_path / "run.pt"
    path.write_bytes(buffer.getvalue() + hashlib.sha256(buffer.getvalue()).digest())
    with pytest.raises(GradflowError, match="no checkpoint of this gradflow"):
        checkpoints.read_checkpoint(path, ours)


def test_where_nothing_can_be_written_the_run_goes_on_and_says_so(dataset, whole, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    checkpoint = Checkpoint(tmp_path / "file" / "run.pt")
    result = train(RUNS[NAME], dataset, checkpoint=checkpoint)
    checkpoint.discard()
    assert_same(result, whole)
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
