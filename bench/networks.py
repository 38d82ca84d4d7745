"""The digits and the networks that bench/theory.py, bench/width.py and bench/remedies.py explain."""

import itertools
import re
from pathlib import Path

import numpy as np
import torch
from torch import nn

from gradflow import build
from gradflow.data.sources.digits import SOURCE
from gradflow.models.initialization import initialize

PICTURES = Path(__file__).parents[1] / "docs" / "images"
SIDE = 32
INITS = {"default": "default", "Xavier": "xavier", "He": "he", "torchvision's": "torchvision"}


def digits(batch: int, size: int = SIDE) -> tuple[torch.Tensor, torch.Tensor]:
    """The first digits of the training split as a run has them, normalised by the training images' statistics."""
    content = SOURCE.read([], {"size": size})
    training = np.flatnonzero(content.split == 0)
    pixels = torch.from_numpy(content.images[training]).float() / 255
    return (pixels[:batch] - pixels.mean()) / pixels.std(), torch.from_numpy(content.labels[training[:batch]])


def mlp(activation: type, init: str, depth: int = 16, width: int = 128):
    """A builder of linear layers with an activation between them, on the digits' pixels."""

    def builder() -> nn.Module:
        sizes = [3 * SIDE**2, *[width] * (depth - 1)]
        layers = [layer for pair in itertools.pairwise(sizes) for layer in (nn.Linear(*pair), activation())]
        model = nn.Sequential(nn.Flatten(), *layers, nn.Linear(width, 10))
        initialize(model, INITS[init])
        return model

    return builder


def network(name: str, init: str = "default", width: float = 0.25, **options):
    """A builder of a network of the catalogue."""
    return lambda: build(name, classes=10, init=INITS[init], width=width, **options)


def skip_and_plain(name: str, **options) -> dict:
    return {word: network(name, skip=skip, **options) for word, skip in (("skip", True), ("plain", False))}


def rows() -> dict:
    """{row of the table: {what its networks are told apart by: builder}}."""
    activations = {"ReLU": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "GELU": nn.GELU}
    found = {
        f"MLP {word}": {init: mlp(activation, init) for init in ("default", "Xavier", "He")}
        for word, activation in activations.items()
    }
    for depth in (16, 19):
        inits = ("default", "He", "torchvision's")
        found[f"VGG-{depth}"] = {init: network(f"vgg{depth}", init) for init in inits}
    found["VGG-16 with batch norm"] = {"": network("vgg16", batch_norm=True)}
    found["VGG-Deep He,"] = {word: network("vgg_deep", "He", activation=word.lower()) for word in ("ReLU", "sigmoid")}
    for depth in (18, 50):
        for label, norm in (("", True), (" without batch norm", False)):
            found[f"ResNet-{depth}{label},"] = skip_and_plain(f"resnet{depth}", batch_norm=norm)
    for init in ("default", "He"):
        found[f"CIFAR ResNet-56 ½ {init},"] = skip_and_plain("cifar_resnet", init=init, depth=56, width=0.5)
    return found


def number(value: float) -> str:
    """A number with its sign and two decimals, as the documents have it: −.38."""
    if not np.isfinite(value):
        return "–"
    return without_zero(f"{round(value, 2) + 0:+.2f}")


def without_zero(text: str) -> str:
    """A number's text with a minus sign proper, and without the 0 before its point."""
    return re.sub(r"(?<!\d)0\.", ".", text.replace("-", "−"))
