"""What a recorder has recorded so far, for those who look at it."""

import numpy as np
import torch

from gradflow.errors import GradflowError
from gradflow.recorder.layers import Layer, describe_layer
from gradflow.recorder.recording import Recorded, Recording


class SoFar(Recorded):
    """The side of a recorder that is read: its columns and its rows, at any time."""

    @property
    def layers(self) -> list[str]:
        """The names of the columns: forward order, then the layers that never ran."""
        self._capture.note_order()
        order = self._capture.order
        known = [n for n, one in self._watched.items() if one.certain or n in self._capture.products]
        return order + [name for name in known if name not in order]

    @property
    def table(self) -> list[Layer]:
        """What is known of each column's layer."""
        depths = {name: depth for depth, name in enumerate(self._capture.order)}
        per_sample = self._rows.numel // np.maximum(1, self._rows.batch_sizes)[:, None]
        largest = dict(zip(self._watched, per_sample.max(axis=0, initial=0)))
        return [describe_layer(self._watched[n], depths.get(n, -1), int(largest[n])) for n in self.layers]

    @property
    def batch_sizes(self) -> np.ndarray:
        """The batch size of each row, int64 [rows]."""
        return self._rows.batch_sizes

    @property
    def steps(self) -> np.ndarray:
        """The number of each row's step, from 0, int64 [rows]; `every` leaves some out, and so does `discard()`."""
        return self._rows.steps

    def norms(self) -> dict[str, np.ndarray]:
        """Return all that was recorded; this waits for the device.

        Returns
        -------
        {quantity: float32 [rows, layers], float64 of a model in float64}, the columns in the order of `layers`.
        Quantities that are measured on request are there if they were requested.
        """
        self._updates.peek()
        return self._rows.quantities(self.layers, self._precision())

    def last(self) -> dict[str, np.ndarray]:
        """Return the newest row, {quantity: [layers]}, at a cost that does not grow; this waits for the device."""
        if not self._rows:
            raise GradflowError("GradientRecorder.last(): there is no row yet; step() makes one.")
        self._updates.peek()
        newest = self._rows.quantities(self.layers, self._precision(), newest=True)
        return {name: array[0] for name, array in newest.items()}

    def recording(self, **notes) -> Recording:
        """Return all that was recorded, with what a file of it should say."""
        norms = self.norms()
        return Recording(self.table, norms, self._rows.steps, self._rows.batch_sizes, self._rows.totals, notes)

    def _precision(self) -> type:
        wide = any(parameter.dtype in (torch.float64, torch.complex128) for parameter in self._model.parameters())
        return np.float64 if wide else np.float32
