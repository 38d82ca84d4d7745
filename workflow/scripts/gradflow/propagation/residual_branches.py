"""Residual branches: how much each block of a residual network adds to what it skips."""

import math

import numpy as np
import torch
from torch import nn

from gradflow.models.resnet import Block
from gradflow.propagation.profile import robust_slope


@torch.no_grad()
def branch_exponent(model: nn.Module, images: torch.Tensor) -> float:
    """Return the power of a block's number in its stage with which its branch's spread over its skip's falls.

    With batch norm the branches have one variance and the skip adds them up, so the ratio goes with the power −1/2
    (De & Smith 2020, section 3). Blocks with a projection, which start a stage anew, are left out.

    Parameters
    ----------
    model : a network of `models.resnet.Block`.
    images : [B, C, H, W].

    Returns
    -------
    The median over stages; NaN where none has three blocks.
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
