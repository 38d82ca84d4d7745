"""Trainable depth: random tanh networks of growing depth, trained for a few hundred steps (Schoenholz et al. 2017)."""

import itertools
import math

import pandas as pd
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from gradflow.propagation.depth_scales import depth_scales


def trainable_depth_table(
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    classes: int,
    weight_variances: list[float],
    bias_variance: float,
    depths: list[int],
    width: int,
    steps: int,
    batch_size: int,
    learning_rate: float,
    draws: int,
    first_seed: int = 0,
    progress=iter,
) -> pd.DataFrame:
    """Train tanh networks of every depth at every variance of their weights (Schoenholz et al. 2017, figure 5).

    They train where information travels through them: up to a depth of about 6 ξ.

    Parameters
    ----------
    images, labels : those to train on, [N, C, H, W] and int64 [N].
    classes : how many there are.
    weight_variances, bias_variance : σ_w², of fan-in times the variance of a weight, and σ_b².
    depths, width : hidden layers, and units of each.
    steps, batch_size, learning_rate : of plain SGD.
    draws, first_seed : random seeds of each kind of network, from the first on.
    progress : what the networks are counted through, such as tqdm.

    Returns
    -------
    One row a network and random seed: weight_variance, depth, seed, correlation_length and gradient_length (layers, as
    `depth_scales`), train_accuracy at the end, over all images.
    """
    inputs, rows = images.flatten(1), []
    scales = {variance: depth_scales(variance, bias_variance) for variance in weight_variances}
    seeds = range(first_seed, first_seed + draws)
    for variance, depth, seed in progress(list(itertools.product(weight_variances, depths, seeds))):
        generator = torch.Generator().manual_seed(seed)
        sizes = [inputs.shape[1], *[width] * depth, classes]
        model = random_tanh_network(sizes, variance, bias_variance, generator)
        _descend(model, inputs, labels, steps, batch_size, learning_rate, generator)
        with torch.no_grad():
            correct = model(inputs).argmax(1) == labels
        lengths = (scales[variance].correlation_length, scales[variance].gradient_length)
        rows.append((float(variance), depth, seed, *lengths, float(correct.double().mean())))
    columns = ["weight_variance", "depth", "seed", "correlation_length", "gradient_length", "train_accuracy"]
    return pd.DataFrame(rows, columns=columns)


def random_tanh_network(
    sizes: list[int], weight_variance: float, bias_variance: float, generator: torch.Generator
) -> nn.Sequential:
    """Return linear layers of these sizes with tanh between them, W ~ N(0, σ_w²/fan-in) and b ~ N(0, σ_b²)."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in itertools.pairwise(sizes):
        layer = nn.utils.skip_init(nn.Linear, fan_in, fan_out)
        nn.init.normal_(layer.weight, std=math.sqrt(weight_variance / fan_in), generator=generator)
        nn.init.normal_(layer.bias, std=math.sqrt(bias_variance), generator=generator)
        layers += [layer, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def _descend(model: nn.Module, inputs, labels, steps: int, batch_size: int, learning_rate: float, generator) -> None:
    """Train by plain SGD on batches that are drawn with replacement."""
    optimizer = torch.optim.SGD(model.parameters(), learning_rate, foreach=True)
    for _ in range(steps):
        chosen = torch.randint(len(inputs), (batch_size,), generator=generator)
        optimizer.zero_grad()
        cross_entropy(model(inputs[chosen]), labels[chosen]).backward()
        optimizer.step()
