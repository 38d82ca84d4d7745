"""Building a network: the builder that its architecture names, called with a run's options, and initialised."""

import inspect
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from gradflow.builders import load_builder
from gradflow.errors import GradflowError
from gradflow.models.architectures import find_architecture, resolve_options
from gradflow.models.catalogue import Architecture
from gradflow.models.initialization import initialize
from gradflow.models.pretrained import load_pretrained


def build(
    architecture: str | Architecture,
    *,
    classes: int,
    channels: int = 3,
    image_size: int | None = None,
    init: str = "default",
    seed: int | None = None,
    weights: Path | None = None,
    **options,
) -> nn.Module:
    """Build an architecture and initialise it.

    Parameters
    ----------
    architecture : a name in the catalogue, or an entry like it.
    classes : the size of the output.
    channels, image_size : of the images [B, channels, image_size, image_size], for builders that ask for them.
    init : a name of `initialization.INITIALIZATIONS`, or "pretrained".
    seed : torch's global random seed is set to it first, so that the same seed gives the same weights; None leaves the
        generator alone.
    weights : the file of the pretrained weights.
    options : those that the architecture has (width, activation, batch_norm, skip, ...).

    Returns
    -------
    The network, in training mode, on the CPU; it takes images as above and returns logits [B, classes].

    Raises
    ------
    GradflowError : an unknown architecture, option or initialisation, a builder that cannot be called, or weights that
        do not fit.

    Examples
    --------
        model = build("vgg16", classes=10, init="he", seed=0, width=0.25)
    """
    entry = find_architecture(architecture)
    name = architecture if isinstance(architecture, str) else entry.label or "the architecture"
    settings = entry.plan | resolve_options(name, entry, options)
    given = {"classes": classes, "channels": channels, "image_size": image_size}
    builder = load_builder(entry.builder)
    if seed is not None:
        torch.manual_seed(seed)
    model = builder(**_asked(builder, entry.builder, given, settings), **settings)
    if not isinstance(model, nn.Module):
        raise GradflowError(f"{entry.builder} returned a {type(model).__name__}; a builder returns an nn.Module.")
    if init == "pretrained":
        load_pretrained(model, weights)
    else:
        initialize(model, init)
    return model


def _asked(builder: Callable, said: str | Callable, given: dict, settings: dict) -> dict:
    """Return what a builder asks for by name; classes are `num_classes` to one that does not ask for `classes`.

    Raises GradflowError if it cannot be called with that and the settings.
    """
    signature = inspect.signature(builder)
    asked = {name: value for name, value in given.items() if name in signature.parameters and value is not None}
    if "classes" not in asked:
        asked["num_classes"] = given["classes"]
    try:
        signature.bind(**asked, **settings)
    except TypeError as error:
        raise GradflowError(
            f"{said} cannot be called with {', '.join([*asked, *settings])} ({error}): a builder takes classes (or "
            "num_classes) and the options of its architecture by name."
        ) from None
    return asked
