"""What the theory leaves over against width: measured less predicted decades of a few networks, wider and wider."""

import itertools

import pandas as pd
import torch

from gradflow.models.build import build
from gradflow.propagation.explain import explain

DECADES = ("measured", "predicted", "residual")
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
    """
    seeds, shape = range(first_seed, first_seed + draws), {"channels": images.shape[1], "image_size": images.shape[2]}
    points, rows = list(itertools.product(NETWORKS, widths, seeds)), []
    for name, width, seed in progress(points):
        architecture, options = NETWORKS[name]
        model = build(architecture, classes=classes, seed=seed, width=width, **shape, **options)
        decades = explain(model, images, labels, first_seed=seed, pure=False, remedies=False).decades
        rows.append((name, float(width), seed, *(decades[of] for of in DECADES)))
    return pd.DataFrame(rows, columns=["network", "width", "seed", *DECADES])
