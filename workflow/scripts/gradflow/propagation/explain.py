"""Explanations: a network's gradient measured, predicted beside it, and split into causes."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from gradflow.errors import GradflowError
from gradflow.propagation.averages import explanation_of
from gradflow.propagation.draw import draw_network
from gradflow.propagation.explanation import Explanation, is_well
from gradflow.propagation.pure import TRAINED
from gradflow.propagation.remedies import find_remedies
from gradflow.propagation.untouched import random_state_kept

PROBES = 8  # independent passes over one draw: their mean is within some hundredths of a decade
LOGITS = ("logits", "out")  # what networks call their output among several


def explain(
    model: nn.Module | Callable[[], nn.Module],
    inputs,
    labels=None,
    *,
    seeds: int = 1,
    loss: Callable | None = None,
    forward: Callable | None = None,
    probes: int = PROBES,
    first_seed: int = 0,
    trained: bool = False,
    pure: bool = True,
    remedies: bool = True,
) -> Explanation:
    """Measure a network's gradient on one batch, predict it from the forward pass, and say what it owes to which cause.

    The prediction is the backward pass of an independent copy (`gradflow.propagation.independence`); nothing of the
    measured backward pass goes into it, but for the factor of an operation that is not known, which is named.

    Parameters
    ----------
    model : a network, as it is: it is never initialised anew and is left as it was; or a builder, a function without
        arguments that returns a new network, which is drawn once for each random seed.
    inputs : one batch as the network takes it, [B, ...]; tensors in lists or dictionaries too.
    labels : int64 [B], or whatever `loss` takes beside the output.
    seeds : random seeds of a builder.
    loss : (output, labels) -> a number; cross-entropy of the logits if left out.
    forward : (model, inputs) -> output, if it is not `model(inputs)`.
    probes : independent backward passes to average for each draw.
    first_seed : the first random seed.
    trained : say so of a network that was trained, as its weights do not show it in every case: nothing is then
        predicted from choices alone.
    pure : whether to predict from choices alone too; it takes seconds in deep networks with batch norm.
    remedies : whether to say what would help where the gradient is not well, by predicting what each change does.

    Returns
    -------
    An Explanation: `layers`, `decades`, `remedies`, `unknown`, `notes`, `verdict`, `plot()`; printed, it says it in
    words.

    Raises
    ------
    GradflowError : a network without two layers between input and loss or with lazy ones, targets that need a loss of
        their own, an output that the loss does not fit, a loss that is not finite, or one whose gradient is zero.

    Examples
    --------
        result = explain(model, images, labels)
        result = explain(lambda: vgg19(num_classes=10), images, labels, seeds=8)
    """
    given = isinstance(model, nn.Module)
    if given and seeds != 1:
        raise GradflowError("explain: a network is one draw; give a function that builds it to draw it for more seeds.")
    if labels is None and loss is None:
        raise GradflowError("explain: give the labels of the batch, or loss= for a loss that takes none.")
    if loss is None and not _are_labels(labels):
        raise GradflowError(
            "explain: these targets are neither classes, whole numbers, nor probabilities of classes: give loss=."
        )
    if seeds < 1 or probes < 1:
        raise GradflowError(f"explain: seeds and probes are at least 1, not {seeds} and {probes}.")
    settings = {"loss": loss or classification_loss, "forward": forward or _call, "probes": probes}
    draws = []
    for seed in range(first_seed, first_seed + seeds):
        one = _network_of(model, seed)
        draws.append(draw_network(one, inputs, labels, trained=trained, pure=pure, seed=seed, **settings))
    found = explanation_of(draws)
    if is_well(found.decades["measured"], found.update) or draws[0].not_pure == TRAINED or not remedies:
        return found
    one = _network_of(model, first_seed)
    return replace(found, remedies=find_remedies(one, inputs, labels, draws[0], seed=first_seed, **settings))


def _network_of(model: nn.Module | Callable[[], nn.Module], seed: int) -> nn.Module:
    one = model if isinstance(model, nn.Module) else build_drawn(model, seed)
    return getattr(one, "_orig_mod", one)  # what torch.compile was given: its layers, each by its name


def _are_labels(labels) -> bool:
    """Tell whether targets can be those of a cross-entropy: classes, or their probabilities."""
    if not isinstance(labels, torch.Tensor) or not labels.is_floating_point():
        return True
    return labels.dim() > 1 and bool((labels >= 0).all()) and bool(((labels.sum(1) - 1).abs() < 1e-2).all())


def build_drawn(builder: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Return a builder's network for a random seed, in training mode; torch's random state is left as it was."""
    with random_state_kept():
        torch.manual_seed(seed)
        model = builder()
    if not isinstance(model, nn.Module):
        raise GradflowError(f"explain: the builder returned a {type(model).__name__}, not an nn.Module.")
    return model.train()


def classification_loss(output, labels: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy of a network's logits, which may stand beside auxiliary heads: those are left out."""
    logits = _logits(output)
    if logits is None:
        raise GradflowError(
            f"explain: the network returns a {type(output).__name__}, of which it is not known what the loss is of: "
            "give loss=, a function of the output and the labels."
        )
    try:
        return cross_entropy(logits, labels)
    except (RuntimeError, ValueError, IndexError) as error:
        raise GradflowError(
            f"explain: an output of {list(logits.shape)} and labels of {list(labels.shape)} have no cross-entropy "
            f"({str(error).splitlines()[0]}): give loss=."
        ) from None


def _logits(output) -> torch.Tensor | None:
    if isinstance(output, torch.Tensor):
        return output
    for name in LOGITS:
        found = output.get(name) if isinstance(output, Mapping) else getattr(output, name, None)
        if isinstance(found, torch.Tensor):
            return found
    return None


def _call(model: nn.Module, inputs):
    return model(inputs)
