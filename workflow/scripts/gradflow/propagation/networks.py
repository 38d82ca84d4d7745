"""Networks that are explained by name: an architecture of ours, or anybody's builder, weights and data."""

import inspect
import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from gradflow.builders import load_builder
from gradflow.errors import GradflowError
from gradflow.models.build import build
from gradflow.models.catalogue import CATALOGUE
from gradflow.propagation.batches import of_folder, stand_in
from gradflow.propagation.explain import explain
from gradflow.propagation.explanation import Explanation

STAND_IN = "No data given: the inputs are random, with natural images' statistics, and the labels are drawn."


def explain_named(
    network: str,
    size: Sequence[int],
    *,
    classes: int = 10,
    settings: Mapping | None = None,
    weights: Path | None = None,
    data: Path | None = None,
    seeds: int = 1,
    batch: int = 16,
) -> Explanation:
    """Explain a network that a builder's name stands for, in training mode.

    Parameters
    ----------
    network : a name in our catalogue, "package.module:builder" or "path/to/file.py:builder".
    size : of one input, such as (3, 64, 64).
    classes : how many; data of a folder has its own number.
    settings : what the builder is called with, by name; of an architecture of ours also `init`.
    weights : a file of a state dictionary.
    data : a folder or archive of images; without it a stand-in is drawn.
    seeds, batch : random seeds to draw the network for; inputs in the batch.

    Raises
    ------
    GradflowError : whatever of this does not fit, in one sentence.
    """
    if weights and seeds > 1:
        raise GradflowError("weights from a file are one draw: leave out the number of random seeds.")
    labels = torch.randint(0, classes, (batch,), generator=torch.Generator().manual_seed(0))
    if data:
        inputs, labels, classes = of_folder(data, size, batch, seed=0)
    else:
        inputs = stand_in(size, batch, seed=0)
    builder = _builder(network, size, classes, dict(settings or {}), weights)
    try:
        explanation = explain(builder, inputs, labels, seeds=seeds, trained=weights is not None)
    except GradflowError:
        raise
    except Exception as error:  # other people's code fails in any way
        said = str(error).strip().splitlines()
        raise GradflowError(
            f"{network} with inputs of {'×'.join(map(str, size))}: {type(error).__name__}: {said[0] if said else ''}"
        ) from error
    return explanation if data else explanation.noting(STAND_IN)


def _builder(network: str, size: Sequence[int], classes: int, settings: dict, weights: Path | None) -> Callable:
    """Return a function that builds the network anew."""
    image = {"channels": size[0], "image_size": size[-1]} if len(size) == 3 else {}
    if network in CATALOGUE:
        make = lambda: build(network, classes=classes, **image, **settings)  # noqa: E731
    elif ":" in network:
        function = load_builder(network)
        asked = _arguments(function, network, {"classes": classes, "num_classes": classes, **image}, settings)
        make = lambda: function(**asked, **settings)  # noqa: E731
    else:
        raise GradflowError(
            f"{network!r} is neither package.module:builder nor path/to/file.py:builder, nor an architecture of ours: "
            f"{', '.join(CATALOGUE)}."
        )
    return (lambda: _loaded(make(), weights)) if weights else make


def _arguments(function: Callable, network: str, given: dict, settings: dict) -> dict:
    """Return what a builder asks for by name of what is known; the number of classes by either of its names."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # written in C
        return {}
    parameters = signature.parameters
    asked = {name: value for name, value in given.items() if name in parameters and name not in settings}
    named = {"classes", "num_classes"} & {*asked, *settings}
    if not named and any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        asked["num_classes"] = given["num_classes"]
    try:
        signature.bind(**asked, **settings)
    except TypeError as error:
        raise GradflowError(f"{network} cannot be called ({error}): give its options as --set NAME=VALUE.") from None
    return asked


def _loaded(model: nn.Module, weights: Path) -> nn.Module:
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        state = state.get("state_dict", state) if isinstance(state, dict) else state
        model.load_state_dict(state)
    except (
        OSError,
        RuntimeError,
        AttributeError,
        TypeError,
        LookupError,
        ValueError,
        pickle.UnpicklingError,
        EOFError,
    ) as error:
        said = str(error).strip().splitlines()
        raise GradflowError(
            f"{weights} does not hold this network's weights ({said[0] if said else error!r})."
        ) from error
    return model
