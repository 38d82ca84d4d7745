"""Blocks that leave a network and torch's random state as they were."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from gradflow.errors import GradflowError


def random_state_kept():
    """Return a block after which torch's random state is as before, on GPUs that are in use too."""
    return torch.random.fork_rng(devices=range(torch.cuda.device_count()) if torch.cuda.is_initialized() else [])


@contextmanager
def left_alone(model: nn.Module) -> Iterator[None]:
    """Put back, at the end, a model's buffers and plain attributes, and torch's random state; not its gradients.

    What a forward pass leaves in attributes (a count, a tensor with its graph) goes, so that the model can be copied.
    """
    if any(map(is_lazy, [*model.parameters(), *model.buffers()])):
        raise GradflowError(
            "explain: the network has lazy layers, whose weights are not there: let a batch through it."
        )
    attributes = {module: dict(module.__dict__) for module in model.modules()}
    buffers = {module: dict(module._buffers) for module in model.modules()}
    values = {id(one): one.detach().clone() for one in model.buffers()}
    with random_state_kept():
        try:
            yield
        finally:
            for module, kept in attributes.items():
                module.__dict__.clear()
                module.__dict__.update(kept)
                module._buffers.clear()
                module._buffers.update(buffers[module])
            with torch.no_grad():
                for tensor in model.buffers():
                    if id(tensor) in values:  # not of a module that the forward pass made
                        tensor.copy_(values[id(tensor)])
