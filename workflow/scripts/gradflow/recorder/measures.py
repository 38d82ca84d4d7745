"""What is measured on request, of a tensor and the module it belongs to: 0-d tensors that can be added up."""

import torch
from torch import nn

from gradflow.recorder.norms import l2_norm


def norm(tensor: torch.Tensor, module: nn.Module) -> torch.Tensor:
    """Return the L2 norm of all elements."""
    return torch.as_tensor(l2_norm(tensor), dtype=torch.float64)


def square(tensor: torch.Tensor, module: nn.Module) -> torch.Tensor:
    """Return the sum of the squares of all elements."""
    return norm(tensor, module).square()


def zeros(tensor: torch.Tensor, module: nn.Module) -> torch.Tensor:
    """Return how many elements are exactly zero: the silent units after a ReLU."""
    return tensor.eq(0).sum().double()
