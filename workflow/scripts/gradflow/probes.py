"""What networks of growing depth do to the gradient at initialisation: beyond profiles, before any training.

Each probe is one number of one random network and one batch, in training mode, as batch norm has it at the first step.
"""

import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn.functional import cosine_similarity, cross_entropy

from gradflow.main_path import beside_main_path
from gradflow.metrics import decades_per_layer, robust_slope
from gradflow.models.build import build
from gradflow.models.resnet import Block
from gradflow.recorder import GradientRecorder

VEIT_DEPTH = 110  # 54 blocks, of which the claim speaks
NEARBY = 0.01  # how far a nearby image is, as a share of the image's own norm
EVERY = 3  # of the lengths of paths, every third is drawn, one random path each


def probe_table(
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
    """Return one row a network and random seed: depth, skip, batch_norm, seed, decades, per_layer, correlation, ...

    images: [B, C, H, W]; labels: int64 [B]. The networks are CIFAR ResNets with He's initialisation, with and without
    skip connections and batch norm, at `draws` random seeds from first_seed on. `branch_exponent` is NaN without skips,
    `share_5_to_17` but for VEIT_DEPTH.
    """
    seeds, channels = range(first_seed, first_seed + draws), images.shape[1]
    points = list(itertools.product(depths, (True, False), (True, False), seeds))
    rows = []
    for depth, skip, batch_norm, seed in progress(points):
        options = {"depth": depth, "skip": skip, "batch_norm": batch_norm}
        shape = {"classes": classes, "channels": channels}
        model = build("cifar_resnet", init="he", seed=seed, width=width, **shape, **options).to(images.device)
        numbers = profile(model, images, labels) | {"correlation": correlation(model, images, classes, seed)}
        numbers["branch_exponent"] = branch_exponent(model, images) if skip else math.nan
        paths = skip and batch_norm and depth == VEIT_DEPTH
        numbers["share_5_to_17"] = path_share(model, images, labels, 5, 17, seed) if paths else math.nan
        rows.append(options | {"seed": seed} | numbers)
    return pd.DataFrame(rows)


def profile(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """Return `decades`, first layer over last, and `per_layer` of the activation gradient."""
    with GradientRecorder(model) as recorder:
        cross_entropy(model(images), labels).backward()
        recorder.step()
    model.zero_grad()
    norms = recorder.norms()["grad_sample_norm"][0].astype(float)
    beside = beside_main_path(model, images)
    norms = norms[[layer.depth >= 0 and layer.name not in beside for layer in recorder.table]]
    with np.errstate(divide="ignore", invalid="ignore"):
        return {"decades": float(np.log10(norms[0] / norms[-1])), "per_layer": decades_per_layer(norms)}


def correlation(model: nn.Module, images: torch.Tensor, classes: int, seed: int = 0) -> float:
    """Return the cosine between the output's gradients at an image and at a nearby one, the mean over the batch.

    Shattered gradients (Balduzzi et al. 2017): in a deep plain net nearby images have unrelated gradients. The output
    is the logits along one random direction: a loss would be flat for the images that a net is sure of. The nearby
    image is NEARBY of the image's norm away, in a random direction.
    """
    generator = torch.Generator().manual_seed(seed)
    direction = torch.randn(classes, generator=generator).to(images.device)
    noise = torch.randn(images.shape, generator=generator).to(images.device)
    scale = NEARBY * images.flatten(1).norm(dim=1) / noise.flatten(1).norm(dim=1)
    gradients = [
        torch.autograd.grad((model(x) @ direction).sum(), x)[0].flatten(1)
        for x in (images.clone().requires_grad_(), (images + noise * scale.view(-1, 1, 1, 1)).requires_grad_())
    ]
    return cosine_similarity(*gradients).mean().item()


@torch.no_grad()
def branch_exponent(model: nn.Module, images: torch.Tensor) -> float:
    """Return the power of a block's number in its stage with which its branch's spread over its skip's falls.

    De & Smith 2020, section 3: with batch norm the branches have one variance and the skip adds them up, so the ratio
    goes with the power −1/2. Blocks with a projection, which start a stage anew, are left out; the median over stages.
    """
    blocks = {name: block for name, block in model.named_modules() if isinstance(block, Block)}
    spread: dict[str, torch.Tensor] = {}  # of each block's input, and of its branch
    handles = []
    for name, block in blocks.items():
        start = lambda module, inputs, name=name: spread.update({name: inputs[0].std()})  # noqa: E731
        end = lambda module, _, out, name=name: spread.update({f"{name}.end": out.std()})  # noqa: E731
        handles += [block.register_forward_pre_hook(start), block.branch_end.register_forward_hook(end)]
    model(images)
    for handle in handles:
        handle.remove()
    ratios: dict[str, dict[int, float]] = {}
    for name, block in blocks.items():
        if block.downsample is None:
            stage, number = name.split(".")
            ratios.setdefault(stage, {})[int(number) + 1] = (spread[f"{name}.end"] / spread[name]).item()
    slopes = [robust_slope(np.log10(list(stage)), np.array(list(stage.values()))) for stage in ratios.values()]
    return float(np.median([slope for slope in slopes if np.isfinite(slope)] or [math.nan]))


def path_share(
    model: nn.Module, images: torch.Tensor, labels: torch.Tensor, low: int, high: int, seed: int = 0
) -> float:
    """Return the share of the gradient at the first block that comes along paths through `low` to `high` branches.

    Veit et al. 2016, section 4.3: the gradient along a random path through k of the n branches (the skips of the other
    blocks) times the number C(n, k) of such paths, over the sum for all k. Lengths between those drawn are interpolated
    in the logarithm.
    """
    blocks = [module for module in model.modules() if isinstance(module, Block)]
    generator = np.random.default_rng(seed)
    lengths = sorted({*range(0, len(blocks), EVERY), len(blocks)})
    logs = []
    for length in lengths:
        chosen = set(generator.permutation(len(blocks))[:length].tolist())
        with along_path(blocks, chosen) as first_input:
            cross_entropy(model(images), labels).backward()
        model.zero_grad()
        norm = first_input[0].norm().item()
        logs.append(math.log(norm) if norm > 0 else -math.inf)
    every = np.arange(len(blocks) + 1)
    total = np.interp(every, lengths, logs) + np.log([math.comb(len(blocks), int(k)) for k in every])
    weight = np.exp(total - total.max())
    return float(weight[low : high + 1].sum() / weight.sum())


@contextmanager
def along_path(blocks: list[Block], chosen: set[int]) -> Iterator[list[torch.Tensor]]:
    """Let the backward pass go only along one path: the branches of the chosen blocks, the skips of the others.

    The forward pass stays whole. Yields a list that holds, after the backward pass, the gradient at the first block.
    """
    arrived: list[torch.Tensor] = []
    handles = []

    def split(block: Block, use_branch: bool, first: bool):
        branch: list[torch.Tensor] = []

        def enter(module, inputs):
            x = inputs[0]
            x = x.view_as(x) if x.requires_grad else x.detach().requires_grad_()
            x.register_hook(lambda total: branch[0] if use_branch else total - branch[0])
            if first:
                x.register_hook(arrived.append)
            return (x,)

        def enter_branch(module, inputs):
            x = inputs[0].view_as(inputs[0])
            x.register_hook(lambda gradient: branch.append(gradient))
            return (x,)

        return block.register_forward_pre_hook(enter), block.branch_start.register_forward_pre_hook(enter_branch)

    for number, block in enumerate(blocks):
        handles += split(block, number in chosen, number == 0)
    try:
        yield arrived
    finally:
        for handle in handles:
            handle.remove()
