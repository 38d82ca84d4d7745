"""A recording: what a recorder recorded, as arrays, to keep in a file, read as a table and look at."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gradflow.builders import load_builder
from gradflow.errors import GradflowError
from gradflow.recorder.layers import Layer, layers_as_records

FORMAT = 1  # of the file


class Recorded:
    """What a recording can do, and a recorder that is making one."""

    def recording(self) -> "Recording":
        """Return what was recorded so far."""
        raise NotImplementedError

    def save(self, path: str | Path) -> Path:
        """Write everything to an `.npz` file and return its path; no Python object is in it."""
        one, path = self.recording(), Path(path)
        path = path if path.suffix == ".npz" else path.with_name(f"{path.name}.npz")
        table = {f"layer_{name}": np.array(values) for name, values in layers_as_records(one.table).items()}
        rows = {"step": one.steps, "batch_size": one.batch_sizes, "total_norm": one.total_norms}
        meta = json.dumps({"gradflow_recording": FORMAT, "quantities": list(one.norms), "notes": one.notes})
        with path.open("wb") as file:
            np.savez_compressed(file, **one.norms, **table, **rows, meta=np.array(meta))
        return path

    def to_frame(self):
        """Return a pandas.DataFrame: a row for each step and layer, with its depth and a column a quantity."""
        import pandas as pd

        one = self.recording()
        rows, layers = len(one.steps), len(one.table)
        columns = {
            "step": np.repeat(one.steps, layers),
            "layer": np.tile(np.array(one.layers, dtype=object), rows),
            "depth": np.tile([layer.depth for layer in one.table], rows),
        }
        return pd.DataFrame(columns | {name: array.reshape(-1) for name, array in one.norms.items()})

    def plot(self, quantity: str = "grad_sample_norm"):
        """Draw a quantity against depth and over time, with matplotlib: `gradflow.recorder.picture`."""
        return load_builder("gradflow.recorder.picture:draw_recording")(self.recording(), quantity)


@dataclass(frozen=True)
class Recording(Recorded):
    """What was recorded of a model.

    table: what is known of each layer, in the order of the columns. norms: {quantity: array [rows, layers]}. steps: the
    number of each row's step. batch_sizes: each row's. total_norms: of all gradients of the model together, each row's.
    """

    table: list[Layer]
    norms: dict[str, np.ndarray]
    steps: np.ndarray
    batch_sizes: np.ndarray
    total_norms: np.ndarray
    notes: dict = field(default_factory=dict)  # anything of the caller's that JSON can hold

    @property
    def layers(self) -> list[str]:
        """The names of the columns."""
        return [layer.name for layer in self.table]

    def recording(self) -> "Recording":
        """Return this."""
        return self

    @classmethod
    def load(cls, path: str | Path) -> "Recording":
        """Read what `save` wrote. Raises GradflowError for another file."""
        try:
            with np.load(path) as file:
                arrays = dict(file)
            meta = json.loads(str(arrays["meta"]))
            if meta["gradflow_recording"] != FORMAT:
                raise ValueError(f"format {meta['gradflow_recording']}")
            columns = {name: arrays[f"layer_{name}"].tolist() for name in Layer.__dataclass_fields__}
            table = [Layer(*values) for values in zip(*columns.values())]
            norms = {name: arrays[name] for name in meta["quantities"]}
            return cls(table, norms, arrays["step"], arrays["batch_size"], arrays["total_norm"], meta["notes"])
        except FileNotFoundError:
            raise GradflowError(f"{path} does not exist.") from None
        except Exception as error:  # a damaged archive fails in any way
            raise GradflowError(
                f"{path} is no recording that save() wrote ({type(error).__name__}: {error})."
            ) from None
