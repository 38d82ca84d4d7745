"""The architectures, by name: each is a builder with its plan filled in, never a copied class."""

from functools import partial
from pathlib import Path

import torch
from torch import nn

from gradflow.architectures import resolve
from gradflow.models.initialization import initialize
from gradflow.models.mlp import mlp
from gradflow.models.pretrained import load_pretrained
from gradflow.models.resnet import RESNET18, RESNET50, cifar_resnet, resnet
from gradflow.models.vgg import VGG16, VGG16_PLUS4, VGG19, VGG38, VGG_DEEP, VGG_SHALLOW, vgg

BUILDERS = {
    "vgg16": partial(vgg, VGG16),
    "vgg19": partial(vgg, VGG19),
    "vgg38": partial(vgg, VGG38),
    "vgg_deep": partial(vgg, VGG_DEEP, dropout=None),
    "vgg_shallow": partial(vgg, VGG_SHALLOW, dropout=None),
    "vgg16_plus4": partial(vgg, VGG16_PLUS4),
    "resnet18": partial(resnet, RESNET18),
    "resnet50": partial(resnet, RESNET50),
    "cifar_resnet": cifar_resnet,
    "mlp": mlp,
}


def build(
    architecture: str,
    *,
    classes: int,
    init: str = "default",
    seed: int | None = None,
    weights: Path | None = None,
    **options,
) -> nn.Module:
    """Build an architecture and initialise it.

    classes: size of the output. init: a name of `initialization.INITIALIZATIONS`, or "pretrained". seed: torch's
    global seed is set to it first, so that the same seed gives the same weights; None leaves the generator alone.
    weights: the file of the pretrained weights. options: those that `gradflow.architectures` lists for the
    architecture (width, activation, batch_norm, skip, ...).

    Raises GradflowError for an unknown architecture, option or initialisation, and for weights that do not fit.
    """
    settings = resolve(architecture, options)
    if seed is not None:
        torch.manual_seed(seed)
    model = BUILDERS[architecture](classes=classes, **settings)
    if init == "pretrained":
        load_pretrained(model, weights)
    else:
        initialize(model, init)
    return model
