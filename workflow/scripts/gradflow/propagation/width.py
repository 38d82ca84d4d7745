"""Finite width: how much a gradient's size spreads over draws of the weights, as layers have only so many channels.

Below a layer each input channel's energy is one random number, and the whole is their sum: Var ln Σ is their relative
variance over their number. For one sample of a ReLU chain that is 2/n of the weights and, with the gate, 5/n a layer
(Hanin & Nica 2018, theorem 1); samples and positions that are not alike average it out. Layers add up.
"""

import math

import torch

from gradflow.propagation.operations import CAUSE_OF, operation


def channel_variance(energy: torch.Tensor, axis: int, above: torch.Tensor | None = None) -> tuple[float, int]:
    """Return the relative variance of the channels' energies, and how many channels there are.

    energy: squares, the channels on an axis. above: what they are taken over, if it is not their mean.
    """
    channels = energy.transpose(0, axis).flatten(1).sum(1, dtype=torch.float64)
    if above is not None:
        whole = above.transpose(0, axis).flatten(1).sum(1, dtype=torch.float64)
        channels = channels[whole > 0] / whole[whole > 0]
    mean, count = float(channels.mean()) if len(channels) else 0.0, energy.shape[axis]
    return (float(channels.var()) / mean**2, count) if mean > 0 and len(channels) > 1 else (0.0, count)


def gate_variance(node, arrived: torch.Tensor, handed: torch.Tensor, channels: int) -> tuple[float, int] | None:
    """Return the relative variance over channels of what an activation lets through; None for what is none."""
    shape = list(arrived.shape)
    if CAUSE_OF.get(operation(node)) != "gate" or shape != list(handed.shape) or channels not in shape[1:]:
        return None
    scale = arrived.abs().max().clamp_min(torch.finfo(arrived.dtype).tiny)
    top = handed.abs().max().clamp_min(torch.finfo(arrived.dtype).tiny)
    return channel_variance((handed / top).square(), 1 + shape[1:].index(channels), (arrived / scale).square())


def spread_over_draws(cuts: list, spreads: dict) -> dict:
    """Return {cut: standard deviation over draws, in decades, of the norm there over that at the first cut}.

    cuts: nodes that every gradient passes, from the last layer down. spreads: {node: [(relative variance, channels),
    one a pass]} of layers and gates; what lies in branches, and the spread of what norms divide by, is left out.
    """
    total, of_weights, found = 0.0, 0.0, {}
    for node in cuts:
        found[node] = 0.5 * math.sqrt(total) / math.log(10)
        passes = spreads.get(node)
        if not passes:
            continue
        variance, channels = sum(one for one, _ in passes) / len(passes), passes[0][1]
        if CAUSE_OF.get(operation(node)) == "gate":
            total += variance * (1 + of_weights) / channels
            of_weights = 0.0
        else:
            total, of_weights = total + variance / channels, variance
    return found
