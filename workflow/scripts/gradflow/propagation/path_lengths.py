"""Path lengths: how many residual branches the gradient came through."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from gradflow.models.resnet import Block

EVERY = 3  # of the lengths of paths, every third is drawn, one random path each


def path_share(
    model: nn.Module, images: torch.Tensor, labels: torch.Tensor, low: int, high: int, seed: int = 0
) -> float:
    """Return the share of the gradient at the first block that comes along paths through `low` to `high` branches.

    The gradient along a random path through k of the n branches (the skips of the other blocks) times the number
    C(n, k) of such paths, over the sum for all k (Veit et al. 2016, section 4.3). Lengths between those drawn are
    interpolated in the logarithm.

    Parameters
    ----------
    model : a network of `models.resnet.Block`.
    images, labels : one batch, [B, C, H, W] and int64 [B].
    low, high : numbers of branches, both included.
    seed : the random seed of the paths.

    Returns
    -------
    A share between 0 and 1.
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
