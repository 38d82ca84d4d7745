"""What the theory leaves over against width: measured less predicted decades of a few networks, wider and wider."""

import itertools

import pandas as pd
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from gradflow.models.build import build
from gradflow.propagation.draw import draw_network

PASSES = 8  # independent ones, averaged: as many as `explain` takes
NETWORKS = {
    "VGG-16": ("vgg16", {"batch_norm": False}),
    "VGG-16, BN": ("vgg16", {"batch_norm": True}),
    "ResNet-50, BN, no skip": ("resnet50", {"batch_norm": True, "skip": False}),
}


def residual_by_width_table(
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    classes: int,
    widths: list[float],
    draws: int,
    first_seed: int = 0,
    progress=iter,
) -> pd.DataFrame:
    """Measure and predict NETWORKS with torch's default initialisation at every width, a random seed at a time.

    The prediction takes the gradient for independent of the weights that it meets, which is exact only of infinitely
    many channels (Yang & Schoenholz 2017): what it leaves over must shrink with width.

    Parameters
    ----------
    images, labels : one batch, [B, C, H, W] and int64 [B].
    classes : how many there are.
    widths : width multipliers; 1 is the published number of channels.
    draws, first_seed : random seeds of each network, from the first on.
    progress : what the networks are counted through, such as tqdm.

    Returns
    -------
    One row a network, width and random seed: network, width, seed, and in decades, first layer over last, measured,
    predicted and residual (measured − predicted).

    Raises
    ------
    GradflowError : a network so narrow that no gradient arrives.
    """
    seeds, shape = range(first_seed, first_seed + draws), {"channels": images.shape[1], "image_size": images.shape[2]}
    points, rows = list(itertools.product(NETWORKS, widths, seeds)), []
    for name, width, seed in progress(points):
        architecture, options = NETWORKS[name]
        model = build(architecture, classes=classes, seed=seed, width=width, **shape, **options)
        measured, predicted = _measured_and_predicted(model, images, labels, seed)
        rows.append((name, float(width), seed, measured, predicted, measured - predicted))
    return pd.DataFrame(rows, columns=["network", "width", "seed", "measured", "predicted", "residual"])


def _measured_and_predicted(
    model: nn.Module, images: torch.Tensor, labels: torch.Tensor, seed: int
) -> tuple[float, float]:
    """Measured and predicted decades, first layer over last, as `explain` has them.

    Nothing is predicted from choices alone: that takes longer than all else.
    """
    settings = {"loss": cross_entropy, "forward": nn.Module.__call__, "seed": seed, "probes": PASSES}
    drawn = draw_network(model, images, labels, pure=False, **settings)
    first, last = (drawn.graph.uses[number].node for number in (0, -1))
    measured = drawn.measured.norms[first] - drawn.measured.norms[last]
    return measured, drawn.passes.norm(first) - drawn.passes.norm(last)
