"""What several architectures are made of."""

from functools import partial

from torch import nn

ACTIVATIONS = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": partial(nn.LeakyReLU, 0.01),
    "elu": nn.ELU,
    "gelu": nn.GELU,
}
POOLINGS = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}


def scaled(channels: int, width: float) -> int:
    """Return a channel count times the width multiplier, at least 1."""
    return max(1, round(channels * width))
