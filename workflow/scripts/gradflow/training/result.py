"""The .npz contract of a finished run: written in one move, read without pickles, checked when read.

docs/file-format.md describes every member. `meta` is the scientific part, the same for the same run on the same kind
of machine; `provenance` holds timings and facts about the host, so that two runs compare byte for byte without it.
"""

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gradflow.errors import GradflowError
from gradflow.files import atomic_write
from gradflow.recorder.quantities import NAMES, ON_REQUEST, derivation, required

FORMAT_VERSION = 1
PER_STEP_AND_LAYER = required(FORMAT_VERSION)
PER_STEP = ("step", "epoch", "batch_size", "loss", "learning_rate")
PER_EPOCH = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
PER_LAYER = ("layer_name", "layer_kind", "layer_depth", "layer_output_numel", "layer_weight_numel", "layer_fan_in")
ONCE = ("test_loss", "test_accuracy", "confusion_matrix")
FILTERS = ("filters_before", "filters_after")  # of a network with a convolution
CLIPPING = ("total_grad_norm", "clip_factor")  # of every step of a run with gradient_clipping
STATUSES = ("completed", "diverged", "stalled")


@dataclass(frozen=True)
class Result:
    """A finished run: its arrays by name, its scientific meta data, and where and how fast it ran."""

    arrays: dict[str, np.ndarray]
    meta: dict
    provenance: dict

    def __getitem__(self, name: str) -> np.ndarray:
        """Return an array of the contract, or a quantity, by name.

        A derived quantity is computed; one that is measured on request reads NaN where it was not requested.
        """
        if name in self.arrays or name not in (*NAMES, *ON_REQUEST):
            return self.arrays[name]
        derive = derivation(name)
        if derive:
            return derive(self)
        return np.full((len(self.arrays["step"]), len(self.arrays["layer_name"])), np.nan, np.float32)


def spoilt(what: str) -> GradflowError:
    """Return the error that says what is wrong with a file of results, and what to do."""
    return GradflowError(f"{what}: delete it and run the workflow again.")


def write_result(path: Path, result: Result) -> None:
    """Write a result in one move.

    Parameters
    ----------
    path : the .npz file.
    result : its arrays, meta data and provenance, as docs/file-format.md has them.

    Raises
    ------
    GradflowError : it breaks the contract, or cannot be written; what was at `path` stays.
    """
    fault = _fault(result)
    if fault:
        raise GradflowError(f"{path} was not written: {fault}.")
    meta = json.dumps({"format": FORMAT_VERSION} | result.meta, sort_keys=True)
    provenance = json.dumps(result.provenance, sort_keys=True)
    write_arrays(path, result.arrays | {"meta": np.array(meta), "provenance": np.array(provenance)})


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays by name, in the order of their names, without pickles and in one move."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})
    content = buffer.getbuffer()
    atomic_write(Path(path), lambda stream: stream.write(content), needed=len(content))


def read_result(path: Path) -> Result:
    """Read a result and check it against the contract of its format version.

    Parameters
    ----------
    path : the .npz file of a finished run.

    Returns
    -------
    The result; `result["grad_rms"]` is a quantity, [steps, layers], derived ones too.

    Raises
    ------
    GradflowError : the file is missing, damaged, of a later format version or incomplete.
    """
    arrays = read_arrays(path)
    try:
        meta, provenance = (json.loads(arrays.pop(part).item()) for part in ("meta", "provenance"))
    except (KeyError, ValueError) as error:
        raise spoilt(f"{path} is damaged (no meta data)") from error
    version = meta.pop("format", None)
    if version not in range(1, FORMAT_VERSION + 1):
        raise spoilt(f"{path} has format {version}, this gradflow reads up to {FORMAT_VERSION}")
    result = Result(arrays, meta, provenance)
    fault = _fault(result, version)
    if fault:
        raise spoilt(f"{path} is not a whole result ({fault})")
    return result


def read_provenance(path: Path) -> dict:
    """Read where and how fast a result was made, and nothing else of it. Raises GradflowError as `read_arrays` does."""
    return json.loads(_read(path, ["provenance"])["provenance"].item())


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read every array of an .npz file. Raises GradflowError if it is missing or damaged."""
    return _read(path)


def _read(path: Path, names: list[str] | None = None) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in names or archive.files}
    except FileNotFoundError as error:
        raise GradflowError(f"{path} does not exist: run the workflow to make it.") from error
    except Exception as error:  # damaged bytes fail in as many ways as zip and npy have parts
        raise spoilt(f"{path} is damaged ({' '.join(str(error).split())})") from error


def _fault(result: Result, version: int = FORMAT_VERSION) -> str | None:
    """Return what breaks the contract of a format version, or None."""
    arrays = result.arrays
    filters = FILTERS if any(name in arrays for name in FILTERS) else ()
    for name in (*required(version), *PER_STEP, *PER_EPOCH, *PER_LAYER, *ONCE, *filters):
        if name not in arrays:
            return f"{name} is missing"
    if result.meta.get("status") not in STATUSES:
        return f"its status is {result.meta.get('status')!r}"
    shapes = {
        (len(arrays["step"]), len(arrays["layer_name"])): [name for name in (*NAMES, *ON_REQUEST) if name in arrays],
        (len(arrays["step"]),): [*PER_STEP, *(name for name in CLIPPING if name in arrays)],
        (len(arrays["train_loss"]),): PER_EPOCH,
    }
    for shape, names in shapes.items():
        for name in names:
            if arrays[name].shape != shape:
                return f"{name} has the shape {arrays[name].shape} instead of {shape}"
    for name in PER_LAYER:
        if len(arrays[name]) != len(arrays["layer_name"]):
            return f"{name} has {len(arrays[name])} layers instead of {len(arrays['layer_name'])}"
    return None
