"""The .npz contract: what is written is read back; what is damaged or incomplete is refused in one sentence."""

import errno
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradflow import GradflowError
from gradflow.files import atomic_write
from gradflow.runs import Run
from gradflow.training import result as results


def make(steps=5, layers=3, epochs=2, classes=4, seed=0, run="a-run-s0-00000000", **meta):
    """A synthetic result of the contract."""
    generator = np.random.default_rng(seed)
    arrays = {name: generator.random((steps, layers), np.float32) for name in results.PER_STEP_AND_LAYER}
    arrays |= {name: np.arange(steps) for name in results.PER_STEP}
    arrays["epoch"] = np.arange(steps) * epochs // steps
    arrays |= {name: generator.random(epochs) for name in results.PER_EPOCH}
    arrays |= {name: np.arange(layers) for name in results.PER_LAYER}
    arrays["layer_name"] = np.array([f"layer{i}" for i in range(layers)])
    arrays |= {"test_loss": np.float64(1), "test_accuracy": np.float64(0.5)}
    arrays |= {"confusion_matrix": np.eye(classes, dtype=int)}
    arrays |= {f"filters_{when}": generator.random((4, 3, 3, 3)) for when in ("before", "after")}
    defaults = {
        "run": run,
        "status": "completed",
        "reason": "2 epochs",
        "settings": Run("vgg16", "digits", "digits", 32, seed=seed, width=0.25, epochs=epochs).settings,
        "classes": [str(i) for i in range(classes)],
        "parameters": 10,
    }
    provenance = {"epoch_seconds": [1.0] * epochs, "training_seconds": [0.9] * epochs, "device": "cpu"}
    provenance |= {"commit": "0" * 40, "dirty": False}
    return results.Result({name: np.asarray(array) for name, array in arrays.items()}, defaults | meta, provenance)


@given(st.integers(1, 6), st.integers(1, 4), st.integers(1, 3), st.text(max_size=20))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_back(tmp_path, steps, layers, epochs, reason):
    result = make(max(steps, epochs), layers, epochs, reason=reason)
    results.write_result(tmp_path / "norms.npz", result)
    back = results.read_result(tmp_path / "norms.npz")
    assert back.meta == result.meta and back.provenance == result.provenance
    for name, array in result.arrays.items():
        np.testing.assert_array_equal(back[name], array)


def test_no_pickle_is_written_or_read(tmp_path):
    result = make()
    result.arrays["layer_kind"] = np.array([object()] * 3)
    with pytest.raises((GradflowError, ValueError)):
        results.write_result(tmp_path / "norms.npz", result)
    np.savez(tmp_path / "evil.npz", **{"meta": np.array({"status": "completed"}, dtype=object)})
    with pytest.raises(GradflowError, match="damaged"):
        results.read_result(tmp_path / "evil.npz")


def test_a_truncated_file_is_named_at_any_length(tmp_path):
    results.write_result(tmp_path / "norms.npz", make())
    whole = (tmp_path / "norms.npz").read_bytes()
    for length in range(0, len(whole), 97):
        (tmp_path / "cut.npz").write_bytes(whole[:length])
        with pytest.raises(GradflowError, match=r"cut\.npz is damaged"):
            results.read_result(tmp_path / "cut.npz")


def test_a_flipped_byte_never_changes_a_number(tmp_path):
    original = make()
    results.write_result(tmp_path / "norms.npz", original)
    whole = bytearray((tmp_path / "norms.npz").read_bytes())
    for position in np.random.default_rng(0).integers(0, len(whole), 300):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        (tmp_path / "flip.npz").write_bytes(damaged)
        try:
            back = results.read_result(tmp_path / "flip.npz")
        except GradflowError as error:
            assert "flip.npz" in str(error) and "\n" not in str(error)
        else:  # a byte of the archive that carries no content, such as a date
            assert all(np.array_equal(back[name], array) for name, array in original.arrays.items())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: r.arrays.pop("weight_norm"), "weight_norm is missing"),
        (lambda r: r.arrays.update(loss=np.zeros(2)), "loss has the shape"),
        (lambda r: r.arrays.update(layer_depth=np.zeros(1)), "layer_depth has 1 layers instead of 3"),
        (lambda r: r.meta.update(status="fine"), "status is 'fine'"),
    ],
)
def test_a_broken_contract_is_not_written(change, words, tmp_path):
    result = make()
    change(result)
    with pytest.raises(GradflowError, match=words):
        results.write_result(tmp_path / "norms.npz", result)
    assert not (tmp_path / "norms.npz").exists()


def test_another_format_version_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "FORMAT_VERSION", 99)
    results.write_result(tmp_path / "norms.npz", make())
    monkeypatch.undo()
    with pytest.raises(GradflowError, match="format 99"):
        results.read_result(tmp_path / "norms.npz")


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def full(stream):
        stream.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(GradflowError, match="the disk is full"):
        atomic_write(path, full)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["file"]
