"""The architectures, by name: each is a builder with its plan filled in, never a copied class."""

import inspect
from functools import partial

import torch
from torch import nn

from gradflow.errors import GradflowError
from gradflow.models.initialization import initialize
from gradflow.models.mlp import mlp
from gradflow.models.resnet import RESNET18, RESNET50, resnet
from gradflow.models.vgg import VGG16, VGG16_PLUS4, VGG19, VGG38, VGG_DEEP, vgg

ARCHITECTURES = {
    "vgg16": partial(vgg, VGG16),
    "vgg19": partial(vgg, VGG19),
    "vgg38": partial(vgg, VGG38),
    "vgg_deep": partial(vgg, VGG_DEEP, head="pooled"),
    "vgg16_plus4": partial(vgg, VGG16_PLUS4, dropout=0.0),
    "resnet18": partial(resnet, RESNET18),
    "resnet50": partial(resnet, RESNET50),
    "mlp": mlp,
}


def build(architecture: str, *, classes: int, init: str = "default", seed: int | None = None, **options) -> nn.Module:
    """Build an architecture and initialise it.

    classes: size of the output. init: a name of `initialization.INITIALIZATIONS`. seed: torch's global seed is set to
    it first, so that the same seed gives the same weights; None leaves the generator alone. options: what the
    architecture's builder takes (width, activation, batch_norm, skip, ...); `options_of` lists them.

    Raises GradflowError for an unknown architecture or option.
    """
    if architecture not in ARCHITECTURES:
        raise GradflowError(f"architecture: {architecture!r} is not known; choose one of {', '.join(ARCHITECTURES)}.")
    unknown = sorted(set(options) - set(options_of(architecture)))
    if unknown:
        raise GradflowError(
            f"{unknown[0]}: {architecture} has no such option; it takes {', '.join(options_of(architecture))}."
        )
    if seed is not None:
        torch.manual_seed(seed)
    model = ARCHITECTURES[architecture](classes=classes, **options)
    initialize(model, init)
    return model


def options_of(architecture: str) -> list[str]:
    """Return the names of the options that an architecture's builder takes."""
    parameters = inspect.signature(ARCHITECTURES[architecture]).parameters
    return [name for name in parameters if name not in ("plan", "classes", "head")]
