"""Remedies: what the usual changes are predicted to do to a network's gradient, each by one forward pass of a copy."""

import math
from collections.abc import Callable

from torch import nn

from gradflow.propagation.changes import changed_copies
from gradflow.propagation.draw import Draw, draw_network
from gradflow.propagation.explanation import Remedy
from gradflow.propagation.untouched import random_state_kept

PROBES = 3  # fewer than for an explanation: a remedy is told to a tenth of a decade


def find_remedies(model: nn.Module, inputs, targets, before: Draw, **settings) -> list[Remedy]:
    """Predict what each change that fits a network does to it; those that do most for the first layer's decades first.

    Nothing of a changed network's real backward pass goes into its decades: they are those of the independent one. Its
    first update is the real one's, times the predicted size of the gradient at the first layer over the real size.

    Parameters
    ----------
    model, inputs, targets : as for `draw_network`; the network stays as it is.
    before : its draw as it is.
    settings : the other settings of `draw_network`.
    """
    residual = any(step.cause == "skip" and step.decades for step in before.steps)
    last = before.graph.uses[-1].name
    found = []
    for change, make in changed_copies(model, last, residual, settings["seed"]):
        found.append(_predicted(change, make, inputs, targets, settings))
    return sorted(found, key=lambda one: abs(one.predicted) if math.isfinite(one.predicted) else math.inf)


def _predicted(change: str, make: Callable, inputs, targets, settings: dict) -> Remedy:
    try:
        with random_state_kept():
            after = draw_network(make(), inputs, targets, pure=False, **settings | {"probes": PROBES})
    except Exception as error:  # other people's code, changed, fails in any way
        said = str(error).strip().splitlines()
        return Remedy(change, math.nan, math.nan, f"{type(error).__name__}: {said[0] if said else ''}")
    first, last = (after.graph.uses[place].node for place in (0, -1))
    update = after.update + after.passes.norm(first) - after.measured.norms[first]
    return Remedy(change, after.passes.norm(first) - after.passes.norm(last), 10**update)
