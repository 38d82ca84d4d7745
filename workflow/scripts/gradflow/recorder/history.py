"""The rows that a recorder stores: the newest on the device, older ones on the host."""

import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import torch

from gradflow.builders import load_builder
from gradflow.recorder.norms import Norm
from gradflow.recorder.quantities import QUANTITIES, measured_on_request, with_derived

MEASURED = ("grad_output_norm", "weight_grad_norm", "weight_norm", "weight_change", "nonfinite")  # a row's first part

ROWS_ON_DEVICE = 1024  # rows are brought to the host in blocks of so many steps


class Rows:
    """Measurements, one row [measured, layers] a step, with its batch size, its output elements and its total norm.

    The last row stays on the device, where it may still be written to.
    """

    def __init__(self, layers: tuple[str, ...], record: Iterable[str], reduction: str):
        self._layers, self._reduction = layers, reduction
        self._measures = {name: load_builder(measure) for name, measure in measured_on_request(record).items()}
        self.requested = tuple(self._measures)
        self._rows: list[torch.Tensor] = []
        self._blocks: list[np.ndarray] = []
        self._batch_sizes: list[int] = []
        self._steps: list[int] = []
        self._numel: list[list[int]] = []
        self._samples: list[list[int]] = []
        self._totals: list[Norm] = []

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._batch_sizes)

    def measures(self, of: str) -> dict[str, Callable]:
        """Return what is requested of a tensor of a kind, by name."""
        kinds = {one.name: one.of for one in QUANTITIES}
        return {name: measure for name, measure in self._measures.items() if kinds[name] == of}

    def append(
        self, row: list[list[Norm]], step: int, batch_size: int, numel: list[int], samples: list[int], total: Norm
    ) -> None:
        """Add a row, [MEASURED and what is requested][layers]; numel and samples: of each layer.

        Nothing waits for the device but once in `ROWS_ON_DEVICE` rows.
        """
        self._rows.append(_as_tensor(row))
        self._steps.append(step)
        self._batch_sizes.append(batch_size)
        self._numel.append(numel)
        self._samples.append(samples)
        self._totals.append(total)
        if len(self._rows) > ROWS_ON_DEVICE:
            self._bring_home()

    def store_changes(self, changes: Mapping[str, Norm]) -> None:
        """Store ‖ΔW‖ by layer in the newest row."""
        row = self._rows[-1]
        values = _as_tensor([[changes.get(name, math.nan) for name in self._layers]])
        row[MEASURED.index("weight_change")] = values[0].to(row.device)

    @property
    def batch_sizes(self) -> np.ndarray:
        """The batch size of each row, int64 [rows]."""
        return np.asarray(self._batch_sizes, dtype=np.int64)

    @property
    def steps(self) -> np.ndarray:
        """The number of each row's step, from 0, int64 [rows]."""
        return np.asarray(self._steps, dtype=np.int64)

    @property
    def totals(self) -> np.ndarray:
        """The norm of all gradients of the model together, float64 [rows]; this waits for the device."""
        return np.asarray([float(total) for total in self._totals], dtype=np.float64)

    @property
    def numel(self) -> np.ndarray:
        """The output elements of the whole batch, int64 [rows, layers]."""
        return np.asarray(self._numel, dtype=np.int64).reshape(len(self), len(self._layers))

    def stored(self) -> np.ndarray:
        """Return the rows, float [rows, measured, layers]; this waits for the device. There must be one."""
        self._bring_home()
        self._blocks = [np.concatenate(self._blocks)] if len(self._blocks) > 1 else self._blocks
        return np.concatenate([*self._blocks, self._rows[-1].cpu().numpy()[None]])

    def quantities(self, layers: list[str], precision: type, newest: bool = False) -> dict[str, np.ndarray]:
        """Return all quantities of all rows, or of the newest alone, {name: [rows, layers]}; waits for the device."""
        wanted = [one for one in QUANTITIES if not one.measure or one.name in self.requested]
        if not self._rows:
            return {one.name: np.empty((0, len(layers)), precision) for one in wanted}
        rows = slice(-1, None) if newest else slice(None)
        stored = self._rows[-1].cpu().numpy()[None] if newest else self.stored()
        columns = [self._layers.index(name) for name in layers]
        measured = dict(zip((*MEASURED, *self.requested), np.moveaxis(stored[:, :, columns].astype(np.float64), 1, 0)))
        batch = np.asarray(self._samples[rows], dtype=np.int64)[:, columns]
        numel = np.asarray(self._numel[rows], dtype=np.int64)[:, columns]
        finish = {one.name: one.finish for one in wanted if one.finish}
        found = _from_measured(measured, batch, numel, self._reduction, finish)
        return {one.name: found[one.name].astype(precision) for one in wanted}

    def state(self) -> dict:
        """Return all that is stored, as tensors on the host."""
        return {
            "rows": torch.from_numpy(self.stored()) if self._rows else None,
            "batch_sizes": torch.from_numpy(self.batch_sizes),
            "steps": torch.from_numpy(self.steps),
            "numel": torch.from_numpy(self.numel),
            "samples": torch.tensor(self._samples, dtype=torch.int64).reshape(len(self), len(self._layers)),
            "totals": torch.from_numpy(self.totals),
        }

    def restore(self, state: dict, device: torch.device) -> None:
        """Store what `state` returned in place of what is there; the last row goes to the device."""
        rows = state["rows"]
        self._blocks = [] if rows is None or len(rows) == 1 else [rows[:-1].numpy()]
        self._rows = [] if rows is None else [rows[-1].to(device, copy=True)]
        self._batch_sizes, self._steps = state["batch_sizes"].tolist(), state["steps"].tolist()
        self._numel, self._samples = state["numel"].tolist(), state["samples"].tolist()
        self._totals = state["totals"].tolist()

    def _bring_home(self) -> None:
        if len(self._rows) > 1:
            self._blocks.append(torch.stack(self._rows[:-1]).cpu().numpy())
            self._rows = self._rows[-1:]


def _as_tensor(values: list[list[Norm]]) -> torch.Tensor:
    """Return numbers or 0-d tensors, [measured][layers], as one tensor on their device; float64 where there is any."""
    tensors = [value for line in values for value in line if isinstance(value, torch.Tensor)]
    if not tensors:
        return torch.tensor(values, dtype=torch.float64)
    device = next((tensor.device for tensor in tensors if tensor.device.type != "cpu"), tensors[0].device)
    dtype = torch.float32 if device.type == "mps" else torch.float64
    flat = [torch.as_tensor(value, dtype=dtype, device=device) for line in values for value in line]
    return torch.stack(flat).view(len(values), -1)


def _from_measured(
    measured: Mapping[str, np.ndarray],
    batch: np.ndarray,
    numel: np.ndarray,
    reduction: str,
    finish: Mapping[str, Callable],
) -> dict[str, np.ndarray]:
    """Return what was measured, [rows, layers] each, with all quantities that follow from it.

    batch: the samples behind each layer, and numel: the output elements of the batch, [rows, layers];
    reduction: of the loss;
    finish: what turns a sum that was measured on request, and numel, into the quantity, by name.
    """
    found = dict(measured)
    to_sample = np.sqrt(batch) if reduction == "mean" else 1 / np.sqrt(batch)
    with np.errstate(divide="ignore", invalid="ignore"):
        found |= {name: made(found[name], numel.astype(np.float64)) for name, made in finish.items()}
        found["grad_sample_norm"] = found["grad_output_norm"] * to_sample
        found["grad_rms"] = found["grad_sample_norm"] / np.sqrt(numel / batch)
        found["update_ratio"] = found["weight_change"] / found["weight_norm"]
        return with_derived(found)
