"""The multilayer perceptron of seed 004."""

from collections import OrderedDict

from torch import nn

from gradflow.models.parts import ACTIVATIONS


def mlp(*, classes: int, inputs: int, width: int, depth: int, activation: str) -> nn.Module:
    """Return `depth` × (Linear, activation), the activation after the output layer too (seed 004, cell 4)."""
    sizes = [inputs] + [width] * (depth - 1) + [classes]
    layers = OrderedDict()
    for i in range(depth):
        layers[f"lin{i + 1}"] = nn.Linear(sizes[i], sizes[i + 1])
        layers[f"act{i + 1}"] = ACTIVATIONS[activation]()
    return nn.Sequential(layers)
