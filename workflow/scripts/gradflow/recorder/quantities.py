"""The quantities that are recorded of every layer at every step: recorder, results, tables, labels and docs read this.

With z_l the output of layer l for one sample, L the loss and B the batch size, `grad_output_norm` is ‖∂L/∂z_l‖ over the
batch (what the notebooks' `register_full_backward_hook` reads); `grad_sample_norm` the root mean square over samples of
the norm of one sample's own gradient, free of B; `grad_rms` that / √(elements per sample); `weight_grad_norm` ‖∂L/∂W_l‖
when the backward pass ended, without a GradScaler's scale and before clipping; `weight_norm` ‖W_l‖ and `update_ratio`
‖ΔW_l‖/‖W_l‖ of the weights that the step's first forward pass used; `nonfinite` the count of NaN and Inf elements of
∂L/∂z_l. With batch norm a sample's gradient also flows through the statistics of its batch, so there `grad_sample_norm`
is the norm of a row of the batch's gradient, and depends on the batch.

A derived quantity is computed from others wherever it is read, so a new one costs a line and no training. A quantity
that is measured on request has a function of its own, and is recorded where the configuration's `record` names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradflow.errors import GradflowError

if TYPE_CHECKING:  # planning reads this list, too
    import numpy as np


@dataclass(frozen=True)
class Quantity:
    """What is recorded of a layer in a step, with z its output for one sample, W its weight and L the loss.

    since: the format version from which on every result holds it; None for what is derived or on request. derive: from
    {quantity: array [steps, layers]} to its own array. measure: "package.module:function" of a function of a tensor and
    the layer's module that returns a 0-d tensor; those of a layer's uses in a step are added up. of: that tensor, the
    "gradient" ∂L/∂z [B, ...], the "output" z, or the "weight_gradient" as it stands when step() is called. finish: from
    what was added up, and the number of elements behind it, to the quantity. profiled: drawn against depth and over
    time. at_init: known at the first backward pass, before any update.
    """

    name: str
    label: str
    since: int | None = None
    derive: Callable[[Mapping[str, np.ndarray]], np.ndarray] | None = None
    measure: str | None = None
    of: str = "gradient"
    finish: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    profiled: bool = True
    at_init: bool = True


QUANTITIES = (
    Quantity("grad_output_norm", "‖∂L/∂z‖ of the batch", since=1),
    Quantity("grad_sample_norm", "activation gradient, RMS ‖∂ℓ/∂z‖ per sample", since=1),
    Quantity("grad_rms", "activation gradient, RMS per element", since=1),
    Quantity("weight_grad_norm", "weight gradient ‖∂L/∂W‖", since=1),
    Quantity("weight_norm", "‖W‖", since=1, profiled=False),
    Quantity("update_ratio", "update ratio ‖ΔW‖/‖W‖", since=1, at_init=False),
    Quantity("nonfinite", "NaN and Inf elements", since=1, profiled=False, at_init=False),
    # free of scale: with batch norm W → cW leaves the function as it is and divides ∂L/∂W by c
    Quantity(
        "relative_gradient",
        "relative gradient ‖W‖·‖∂L/∂W‖",
        derive=lambda of: of["weight_norm"] * of["weight_grad_norm"],
    ),
    # on request
    Quantity(
        "activation_norm",
        "‖z‖ of the batch",
        measure="gradflow.recorder.measures:square",
        of="output",
        finish=lambda squares, numel: squares**0.5,
        profiled=False,
    ),
    Quantity(
        "zero_share",
        "share of zeros in z",
        measure="gradflow.recorder.measures:zeros",
        of="output",
        finish=lambda zeros, numel: zeros / numel,
        profiled=False,
    ),
    Quantity(  # clip_grad_norm_() before step() leaves weight_grad_norm as it was
        "applied_grad_norm",
        "‖∂L/∂W‖ at step(), after what was done to it",
        measure="gradflow.recorder.measures:norm",
        of="weight_gradient",
        profiled=False,
    ),
)
NAMES = tuple(quantity.name for quantity in QUANTITIES if not quantity.measure)  # of every result and table
ON_REQUEST = tuple(quantity.name for quantity in QUANTITIES if quantity.measure)
PROFILED = tuple(quantity.name for quantity in QUANTITIES if quantity.profiled)
LABELS = {quantity.name: quantity.label for quantity in QUANTITIES}
_BY_NAME = {quantity.name: quantity for quantity in QUANTITIES}


def required(version: int) -> tuple[str, ...]:
    """Return the names of the quantities that every result of a format version holds."""
    return tuple(quantity.name for quantity in QUANTITIES if quantity.since is not None and quantity.since <= version)


def with_derived(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return arrays by quantity with those beside them that can be derived from them."""
    found = dict(arrays)
    for quantity in QUANTITIES:
        if quantity.derive:
            with suppress(KeyError):  # what it follows from is not there
                found[quantity.name] = quantity.derive(found)
    return found


def derivation(name: str) -> Callable[[Mapping[str, np.ndarray]], np.ndarray] | None:
    """Return how a quantity follows from others; None if it is measured."""
    return _BY_NAME[name].derive


def measured_on_request(record: Iterable[str]) -> dict[str, str]:
    """Return {name: its function} of the quantities that are to be recorded beside those that always are.

    Raises GradflowError for one that there is not.
    """
    on_request = {quantity.name: quantity.measure for quantity in QUANTITIES if quantity.measure}
    for name in record:
        if name not in on_request:
            there_are = f"there are {', '.join(on_request)}" if on_request else "there is none at present"
            raise GradflowError(f"config: record names {name!r}, no quantity that is measured on request; {there_are}.")
    return {name: on_request[name] for name in record}
