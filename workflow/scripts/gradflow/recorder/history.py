"""The rows that a recorder stores: the newest on the device, older ones on the host."""

from collections.abc import Callable, Mapping

import numpy as np
import torch

from gradflow.recorder.norms import Norm
from gradflow.recorder.quantities import with_derived

ROWS_ON_DEVICE = 1024  # rows are brought to the host in blocks of so many steps


class Rows:
    """Measurements, one row [measured, layers] a step, with its batch size, its output elements and its total norm.

    The last row stays on the device, where it may still be written to.
    """

    def __init__(self, layers: int):
        self._layers = layers
        self._rows: list[torch.Tensor] = []
        self._blocks: list[np.ndarray] = []
        self._batch_sizes: list[int] = []
        self._steps: list[int] = []
        self._numel: list[list[int]] = []
        self._totals: list[Norm] = []

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._batch_sizes)

    def append(self, row: torch.Tensor, step: int, batch_size: int, numel: list[int], total: Norm) -> None:
        """Add a row; nothing waits for the device but once in `ROWS_ON_DEVICE` rows."""
        self._rows.append(row)
        self._steps.append(step)
        self._batch_sizes.append(batch_size)
        self._numel.append(numel)
        self._totals.append(total)
        if len(self._rows) > ROWS_ON_DEVICE:
            self._bring_home()

    @property
    def last(self) -> torch.Tensor:
        """The newest row, [measured, layers]."""
        return self._rows[-1]

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
        return np.asarray(self._numel, dtype=np.int64).reshape(len(self), self._layers)

    def stored(self) -> np.ndarray:
        """Return the rows, float [rows, measured, layers]; this waits for the device. There must be one."""
        self._bring_home()
        self._blocks = [np.concatenate(self._blocks)] if len(self._blocks) > 1 else self._blocks
        return np.concatenate([*self._blocks, self.last.cpu().numpy()[None]])

    def newest(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the newest row [1, measured, layers], its batch size [1] and its elements [1, layers]."""
        row = self.last.cpu().numpy()[None]
        return row, np.array(self._batch_sizes[-1:]), np.array(self._numel[-1:])

    def state(self) -> dict:
        """Return all that is stored, as tensors on the host."""
        return {
            "rows": torch.from_numpy(self.stored()) if self._rows else None,
            "batch_sizes": torch.from_numpy(self.batch_sizes),
            "steps": torch.from_numpy(self.steps),
            "numel": torch.from_numpy(self.numel),
            "totals": torch.from_numpy(self.totals),
        }

    def restore(self, state: dict, device: torch.device) -> None:
        """Store what `state` returned in place of what is there; the last row goes to the device."""
        rows = state["rows"]
        self._blocks = [] if rows is None or len(rows) == 1 else [rows[:-1].numpy()]
        self._rows = [] if rows is None else [rows[-1].to(device, copy=True)]
        self._batch_sizes, self._steps = state["batch_sizes"].tolist(), state["steps"].tolist()
        self._numel, self._totals = state["numel"].tolist(), state["totals"].tolist()

    def _bring_home(self) -> None:
        if len(self._rows) > 1:
            self._blocks.append(torch.stack(self._rows[:-1]).cpu().numpy())
            self._rows = self._rows[-1:]


def as_row(values: list[list[Norm]]) -> torch.Tensor:
    """Return numbers or 0-d tensors, [measured][layers], as one tensor on their device; float64 where there is any."""
    tensors = [value for line in values for value in line if isinstance(value, torch.Tensor)]
    if not tensors:
        return torch.tensor(values, dtype=torch.float64)
    device = next((tensor.device for tensor in tensors if tensor.device.type != "cpu"), tensors[0].device)
    dtype = torch.float32 if device.type == "mps" else torch.float64
    flat = [torch.as_tensor(value, dtype=dtype, device=device) for line in values for value in line]
    return torch.stack(flat).view(len(values), -1)


def from_measured(
    measured: Mapping[str, np.ndarray],
    batch_sizes: np.ndarray,
    numel: np.ndarray,
    reduction: str,
    finish: Mapping[str, Callable],
) -> dict[str, np.ndarray]:
    """Return what was measured, [rows, layers] each, with all quantities that follow from it.

    batch_sizes: [rows]; numel: the output elements of the batch, [rows, layers]; reduction: of the loss; finish: what
    turns a sum that was measured on request, and numel, into the quantity, by name.
    """
    batch, found = batch_sizes[:, None].astype(np.float64), dict(measured)
    to_sample = np.sqrt(batch) if reduction == "mean" else 1 / np.sqrt(batch)
    with np.errstate(divide="ignore", invalid="ignore"):
        found |= {name: made(found[name], numel.astype(np.float64)) for name, made in finish.items()}
        found["grad_sample_norm"] = found["grad_output_norm"] * to_sample
        found["grad_rms"] = found["grad_sample_norm"] / np.sqrt(numel // batch_sizes[:, None])
        found["update_ratio"] = found["weight_change"] / found["weight_norm"]
        return with_derived(found)
