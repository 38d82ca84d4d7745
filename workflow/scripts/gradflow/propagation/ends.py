"""The ends of a network: leaves at its inputs, and the loss's gradient at its outputs, in whatever nesting both are."""

import copy
from collections.abc import Callable

import torch

from gradflow.errors import GradflowError
from gradflow.propagation.independence import log_norm


def loss_gradients(output, targets, loss: Callable) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return the tensors of a network's output that the loss depends on, each with the loss's gradient for it.

    The loss is told apart from the network: it sees copies of the outputs, so that a gradient which goes from one
    output through another counts once.
    """
    copies: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
    value = loss(_detached(output, copies), targets)
    if not isinstance(value, torch.Tensor) or value.dim() or not value.requires_grad:
        raise GradflowError("explain: the loss must return one number that depends on the network's output.")
    if not bool(torch.isfinite(value)):
        raise GradflowError(f"explain: the loss of this batch is {value.item()}: there is no gradient to explain.")
    pairs = list(copies.values())
    gradients = torch.autograd.grad(value, [copied for _, copied in pairs], allow_unused=True)
    found = [(own, gradient) for (own, _), gradient in zip(pairs, gradients) if gradient is not None]
    if log_norm(gradient for _, gradient in found) == -torch.inf:
        raise GradflowError("explain: the loss's own gradient is zero for this batch: nothing flows into the network.")
    return found


def _detached(value, copies: dict):
    """Return nested outputs with every tensor that has a gradient replaced by a leaf, which is kept beside it."""
    if isinstance(value, torch.Tensor):
        if not value.requires_grad:
            return value
        return copies.setdefault(id(value), (value, value.detach().requires_grad_()))[1]
    if isinstance(value, dict):
        replaced = {key: _detached(part, copies) for key, part in value.items()}
        return replaced if type(value) is dict else _mapping_like(value, replaced)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_detached(part, copies) for part in value))
    if isinstance(value, list | tuple):
        return type(value)(_detached(part, copies) for part in value)
    return value


def _mapping_like(value, replaced: dict):
    """Return a mapping of a class of its own, such as an output that answers to attributes, with other values."""
    other = copy.copy(value)
    for key, part in replaced.items():
        other[key] = part
    return other


def with_leaves(inputs, leaves: list[torch.Tensor]):
    """Return nested inputs whose floating tensors come from leaves that require a gradient, which are listed."""
    if isinstance(inputs, torch.Tensor):
        if not inputs.is_floating_point():
            return inputs
        leaves.append(inputs.detach().clone().requires_grad_())
        return leaves[-1].clone()  # no leaf itself: the network may write into it
    if isinstance(inputs, dict):
        return {key: with_leaves(part, leaves) for key, part in inputs.items()}
    if isinstance(inputs, list | tuple):
        return type(inputs)(with_leaves(part, leaves) for part in inputs)
    return inputs


def to_float64(values):
    """Return nested tensors with those of floating point in double precision."""
    if isinstance(values, torch.Tensor):
        return values.double() if values.is_floating_point() else values
    if isinstance(values, dict):
        return {key: to_float64(part) for key, part in values.items()}
    return type(values)(map(to_float64, values)) if isinstance(values, list | tuple) else values
