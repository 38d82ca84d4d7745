"""Findings while a model trains: a layer that vanishes, explodes, dies or turns non-finite, each told once."""

import warnings
from collections.abc import Callable, Mapping

import numpy as np


class Watch:
    """Tells what it finds in the newest row.

    on: called with a sentence, or "warn" for a Python warning. vanishing: a layer's relative gradient ‖W‖·‖∂L/∂W‖ over
    the largest layer's, below which it vanishes. exploding: a layer's weight gradient over its first, above which it
    explodes. A layer dies whose gradient is exactly zero.
    """

    def __init__(self, on: Callable[[str], None] | str = "warn", vanishing: float = 1e-6, exploding: float = 1e3):
        self._tell = (lambda text: warnings.warn(text, stacklevel=4)) if on == "warn" else on
        self._vanishing, self._exploding = vanishing, exploding
        self._first: dict[str, float] = {}
        self._told: set[tuple[str, str]] = set()

    def look(self, step: int, layers: list[str], row: Mapping[str, np.ndarray]) -> None:
        """Look at a row, {quantity: [layers]}, and tell what was not told before."""
        relative, gradient = row["relative_gradient"], row["weight_grad_norm"]
        finite = relative[np.isfinite(relative)]
        largest = finite.max() if finite.size else 0.0
        for i, name in enumerate(layers):
            first = self._first.setdefault(name, float(gradient[i])) if gradient[i] > 0 else 0.0
            if row["nonfinite"][i] > 0 or np.isinf(gradient[i]):
                self._find(step, name, "turned non-finite", f"{row['nonfinite'][i]:g} NaN and Inf elements in ∂L/∂z")
            elif gradient[i] == 0:
                self._find(step, name, "died", "its weight gradient is exactly zero")
            elif relative[i] < self._vanishing * largest:
                self._find(step, name, "vanishes", f"‖W‖·‖∂L/∂W‖ is {relative[i] / largest:.1e} of the largest layer's")
            elif first and gradient[i] > self._exploding * first:
                self._find(step, name, "explodes", f"‖∂L/∂W‖ is {gradient[i] / first:.1e} times its first")

    def _find(self, step: int, layer: str, what: str, how: str) -> None:
        if (layer, what) not in self._told:
            self._told.add((layer, what))
            self._tell(f"step {step}: layer {layer!r} {what}: {how}.")
