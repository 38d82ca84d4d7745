"""Depth at initialisation: what networks of growing depth do to the gradient before any training.

Each number is of one random network and one batch, in training mode, as batch norm has it at the first step.
"""

import itertools
import math

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from gradflow.models.build import build
from gradflow.models.main_path import beside_main_path
from gradflow.propagation.path_lengths import path_share
from gradflow.propagation.profile import decades_per_layer
from gradflow.propagation.residual_branches import branch_exponent
from gradflow.propagation.shattering import gradient_correlation
from gradflow.recorder.recorder import GradientRecorder

VEIT_DEPTH = 110  # 54 blocks, of which the claim speaks
LEARNING_RATE = 0.1  # of the one step


def depth_at_init_table(
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    classes: int,
    depths: list[int],
    draws: int,
    width: float,
    first_seed: int = 0,
    progress=iter,
) -> pd.DataFrame:
    """Measure CIFAR ResNets of growing depth at He's initialisation, with and without skip connections and batch norm.

    Parameters
    ----------
    images, labels : one batch, [B, C, H, W] and int64 [B].
    classes : how many there are.
    depths : layers, 6n + 2 each.
    draws, first_seed : random seeds of each kind of network, from the first on.
    width : the width multiplier; 1 is 16, 32 and 64 channels.
    progress : what the networks are counted through, such as tqdm.

    Returns
    -------
    One row a network and random seed: depth, skip, batch_norm, seed, decades, per_layer, spread, correlation,
    branch_exponent (NaN without skips), share_5_to_17 (NaN but for VEIT_DEPTH), spread_after_one_step.
    """
    seeds, channels = range(first_seed, first_seed + draws), images.shape[1]
    points = list(itertools.product(depths, (True, False), (True, False), seeds))
    rows = []
    for depth, skip, batch_norm, seed in progress(points):
        options = {"depth": depth, "skip": skip, "batch_norm": batch_norm}
        shape = {"classes": classes, "channels": channels}
        model = build("cifar_resnet", init="he", seed=seed, width=width, **shape, **options).to(images.device)
        numbers = depth_profile(model, images, labels) | {
            "correlation": gradient_correlation(model, images, classes, seed)
        }
        numbers["branch_exponent"] = branch_exponent(model, images) if skip else math.nan
        paths = skip and batch_norm and depth == VEIT_DEPTH
        numbers["share_5_to_17"] = path_share(model, images, labels, 5, 17, seed) if paths else math.nan
        numbers["spread_after_one_step"] = spread_after_one_step(model, images, labels)  # last: it moves the weights
        rows.append(options | {"seed": seed} | numbers)
    return pd.DataFrame(rows)


def depth_profile(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """Return `decades`, first layer over last, and `per_layer` of the activation gradient; and `spread`, the standard
    deviation over layers of log10 ‖W‖·‖∂L/∂W‖.
    """
    profiles = _main_path(model, images, labels)
    norms = profiles["grad_sample_norm"]
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = {"decades": float(np.log10(norms[0] / norms[-1])), "per_layer": decades_per_layer(norms)}
        return ends | {"spread": float(np.log10(profiles["relative_gradient"]).std(ddof=1))}


def spread_after_one_step(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Return `spread` after one step of gradient descent on these images, at LEARNING_RATE; the weights are moved."""
    cross_entropy(model(images), labels).backward()
    torch.optim.SGD(model.parameters(), lr=LEARNING_RATE).step()
    model.zero_grad()
    return depth_profile(model, images, labels)["spread"]


def _main_path(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> dict[str, np.ndarray]:
    """The profiles of every quantity along the main path, at one backward pass."""
    with GradientRecorder(model) as recorder:
        cross_entropy(model(images), labels).backward()
        recorder.step()
    model.zero_grad()
    beside = beside_main_path(model, images)
    ran = [layer.depth >= 0 and layer.name not in beside for layer in recorder.table]
    return {name: norms[0, ran].astype(float) for name, norms in recorder.norms().items()}
