"""A recording: what a recorder recorded, as arrays, to keep in a file, read as a table and look at."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gradflow.errors import GradflowError
from gradflow.recorder.layers import Layer, layers_as_records
from gradflow.recorder.quantities import LABELS

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
        """Draw the quantity against depth, and as a heatmap of step and layer; return the matplotlib figure.

        Layers that have no such quantity, because their weight is used through a fused function, are left out.

        Raises GradflowError for a quantity that was not recorded, and if no layer has it.
        """
        from matplotlib.colors import LogNorm
        from matplotlib.figure import Figure

        one = self.recording()
        if quantity not in one.norms:
            raise GradflowError(f"plot: {quantity!r} was not recorded; there are {', '.join(one.norms)}.")
        values = np.where(one.norms[quantity] > 0, one.norms[quantity], np.nan).astype(float)
        ran = np.isfinite(values).any(axis=0) if len(values) else np.zeros(len(one.table), bool)
        if not ran.any():
            raise GradflowError(f"plot: no layer has {quantity!r} above zero, in {len(values)} rows.")
        values, names = values[:, ran], np.array(one.layers)[ran]
        figure = Figure(figsize=(11, 4.5), layout="constrained")
        profile, heatmap = figure.subplots(1, 2)
        place = np.arange(len(names))
        with np.errstate(all="ignore"):
            low, middle, high = np.nanpercentile(values, (5, 50, 95), axis=0)
        profile.fill_between(place, low, high, color="#56B4E9", alpha=0.3, label="5–95 % of the steps")
        profile.plot(place, values[0], color="#999999", marker=".", label=f"step {one.steps[0]}")
        profile.plot(place, middle, color="#0072B2", marker="o", label="median of the steps")
        profile.set(yscale="log", xlabel="layer, from the input", ylabel=LABELS.get(quantity, quantity))
        shown = place[:: max(1, len(place) // 20)]
        profile.set_xticks(shown, names[shown], rotation=90, fontsize=7)
        profile.legend(fontsize=8)
        bounds = np.nanmin(values), np.nanmax(values)
        colours = LogNorm(*bounds) if bounds[0] < bounds[1] else None
        image = heatmap.imshow(values.T, aspect="auto", norm=colours, cmap="viridis", interpolation="nearest")
        heatmap.set(xlabel="row of the recording", ylabel="")
        heatmap.set_yticks(shown, names[shown], fontsize=7)
        figure.colorbar(image, label=LABELS.get(quantity, quantity))
        return figure


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
