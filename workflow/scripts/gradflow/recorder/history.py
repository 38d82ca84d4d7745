"""The rows that a recorder stores: the newest on the device, older ones on the host."""

import numpy as np
import torch

from gradflow.recorder.quantities import with_derived

ROWS_ON_DEVICE = 1024  # rows are brought to the host in blocks of so many steps


class Rows:
    """Measurements, one row [measured, layers] a step, with its batch size and the output elements per sample.

    The last row stays on the device, where it may still be written to.
    """

    def __init__(self, layers: int):
        self._layers = layers
        self._rows: list[torch.Tensor] = []
        self._blocks: list[np.ndarray] = []
        self._batch_sizes: list[int] = []
        self._sample_numel: list[list[int]] = []

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self._batch_sizes)

    def append(self, row: torch.Tensor, batch_size: int, sample_numel: list[int]) -> None:
        """Add a row; nothing waits for the device but once in `ROWS_ON_DEVICE` rows."""
        self._rows.append(row)
        self._batch_sizes.append(batch_size)
        self._sample_numel.append(sample_numel)
        if len(self._rows) > ROWS_ON_DEVICE:
            self._blocks.append(torch.stack(self._rows[:-1]).cpu().numpy())
            self._rows = self._rows[-1:]

    @property
    def last(self) -> torch.Tensor:
        """The newest row, [measured, layers]."""
        return self._rows[-1]

    @property
    def batch_sizes(self) -> np.ndarray:
        """The batch size of each step, int64 [steps]."""
        return np.asarray(self._batch_sizes, dtype=np.int64)

    @property
    def sample_numel(self) -> np.ndarray:
        """The output elements per sample, int64 [steps, layers]."""
        return np.asarray(self._sample_numel, dtype=np.int64).reshape(len(self), self._layers)

    def stored(self) -> np.ndarray:
        """Return the rows, float [steps, measured, layers]; this waits for the device. There must be one."""
        return np.concatenate([*self._blocks, torch.stack(self._rows).cpu().numpy()])

    def state(self) -> dict:
        """Return all that is stored, as tensors on the host."""
        return {
            "rows": torch.from_numpy(self.stored()) if self._rows else None,
            "batch_sizes": torch.from_numpy(self.batch_sizes),
            "sample_numel": torch.from_numpy(self.sample_numel),
        }

    def restore(self, state: dict, device: torch.device) -> None:
        """Store what `state` returned in place of what is there; the last row goes to the device."""
        rows = state["rows"]
        self._blocks = [] if rows is None or len(rows) == 1 else [rows[:-1].numpy()]
        self._rows = [] if rows is None else [rows[-1].to(device, copy=True)]
        self._batch_sizes = state["batch_sizes"].tolist()
        self._sample_numel = state["sample_numel"].tolist()


def from_measured(
    measured: dict[str, np.ndarray], batch_sizes: np.ndarray, sample_numel: np.ndarray, reduction: str
) -> dict[str, np.ndarray]:
    """Return what was measured, [steps, layers] each, with all quantities that follow from it.

    batch_sizes: [steps]; sample_numel: the output elements per sample, [steps, layers]; reduction: of the loss.
    """
    batch, found = batch_sizes[:, None].astype(np.float64), dict(measured)
    to_sample = np.sqrt(batch) if reduction == "mean" else 1 / np.sqrt(batch)
    with np.errstate(divide="ignore", invalid="ignore"):
        found["grad_sample_norm"] = found["grad_output_norm"] * to_sample
        found["grad_rms"] = found["grad_sample_norm"] / np.sqrt(sample_numel.astype(np.float64))
        found["update_ratio"] = found["weight_change"] / found["weight_norm"]
        return with_derived(found)
