"""Networks and batches that explanations are tried on."""

import torch
from torch import nn

from gradflow.models.initialization import initialize
from gradflow.propagation.batches import stand_in

LABELS = torch.arange(16) % 10


def images(size=16, channels=3, seed=0):
    """Sixteen images with natural ones' statistics."""
    return stand_in((channels, size, size), 16, seed)


def mlp(activation, depth=16, width=128, init="he"):
    """A builder of a chain of linear layers."""

    def builder():
        layers = [layer for _ in range(depth - 1) for layer in (nn.Linear(width, width), activation())]
        model = nn.Sequential(*layers, nn.Linear(width, 10))
        initialize(model, init)
        return model

    return builder


def residual(result):
    """How far the prediction is from what was measured, in decades."""
    return abs(result.decades["residual"])
