"""The pure prediction: a gradient's profile from choices alone, that is variances, activations, pads, pools, norms.

Forward it knows kernels (`gradflow.propagation.kernels`); backward it carries maps of energy over the positions of an
image, D[h, w] = E Σ_c δ_c², which the channels share alike. The formulas are in docs/theory.md.
"""

import math
from collections import defaultdict
from dataclasses import dataclass

import torch
from torch.nn import functional

from gradflow.propagation.choices import Forward, Unpredictable, norm_parameters, variances
from gradflow.propagation.graph import ACCUMULATE, Graph
from gradflow.propagation.kernels import of_the_largest, window_correlation
from gradflow.propagation.operations import dropped_share, operation
from gradflow.propagation.quadrature import derivative, expectation, mean_inverse_variance

TRAINED = "weights that were trained"
HEAVY, ENOUGH = 3.5, 256  # a kurtosis, which is 3 of a normal and 1.8 of a uniform draw; weights to tell it from


@dataclass(frozen=True)
class Energy:
    """What arrives at a node: E Σ_c δ_c² by position [H, W], and E (x·δ)² for what it computed, if that is known."""

    map: torch.Tensor
    along: float | None = None

    @property
    def total(self) -> float:
        """The whole energy."""
        return float(self.map.sum())


def predict_purely(graph: Graph, batch: int) -> dict:
    """Return {node of a use of a weight: log10 of its gradient's norm}, up to one factor for all.

    batch: samples. Of the network's input the statistics are taken, of its output the loss's gradient.

    Raises Unpredictable, with the name of an operation for which choices alone do not say what it does.
    """
    leaf = graph.sources[0]
    if len(graph.starts) != 1 or len(graph.sources) != 1 or leaf.dim() not in (2, 4) or len(leaf) != batch:
        raise Unpredictable("inputs or outputs of this form")
    if looks_trained(graph):
        raise Unpredictable(TRAINED)
    forward = Forward(graph, leaf)
    arrived: dict = defaultdict(list)
    (output, gradient), *_ = graph.starts
    arrived[output.grad_fn].append((None, _at_the_output(output.detach(), gradient)))
    uses, logs = graph.use_at(), {}
    for node in graph.nodes:
        if node not in arrived:
            continue
        above, energy = _sum(arrived.pop(node))
        if node in uses:
            logs[node] = 0.5 * math.log10(energy.total) if energy.total > 0 else -math.inf
        for place, (_, below, number) in enumerate(graph.following[node]):
            if below.name() != ACCUMULATE:
                handed = _handed(forward, node, above, energy, place, below._input_metadata[number].shape, batch)
                arrived[below].append((node, handed))
    return logs


def looks_trained(graph: Graph) -> bool:
    """Tell whether weights are no draw of an initialisation: most have heavier tails than a normal's."""
    tails = []
    for use in graph.uses:
        values = use.weight.double().flatten()
        values = values - values.mean()
        if len(values) >= ENOUGH and values.any():
            tails.append(float(values.pow(4).mean() / values.square().mean() ** 2))
    return len(tails) > 0 and sorted(tails)[len(tails) // 2] > HEAVY


def _at_the_output(output: torch.Tensor, gradient: torch.Tensor) -> Energy:
    squares = gradient.double().flatten(1).square().sum(1)
    along = (output.double() * gradient.double()).flatten(1).sum(1).square()
    top = squares.mean()
    shape = output.shape[2:] if output.dim() == 4 else (1, 1)
    return Energy(torch.full(shape, 1 / math.prod(shape), dtype=torch.float64), float(along.mean() / top))


def _sum(parts: list) -> tuple:
    """Return the node that a gradient comes from, if it is one, and the sum of the energies."""
    if len(parts) == 1:
        return parts[0]
    return None, Energy(sum(energy.map for _, energy in parts))


def _handed(forward: Forward, node, above, energy: Energy, place: int, shape, batch: int) -> Energy:
    """Return what a node hands on to one of the nodes below it, whose output has a shape."""
    kind, taken = operation(node), forward.below(node)
    size = tuple(shape[2:]) if len(shape) == 4 else (1, 1)
    if node in forward.uses:
        return _below_weights(forward, node, energy, size)
    if node in forward.gates:
        return _through_gate(forward, node, above, energy)
    if kind == "Mul":
        return Energy(energy.map / (1 - dropped_share(node)))
    if kind == "NativeBatchNorm":
        scale, _ = norm_parameters(node)
        kernel = taken[0]
        count = batch * math.prod(size)
        factor = scale * mean_inverse_variance(kernel.eigenvalues(), node._saved_eps) * (1 - 2 / count)
        return Energy(energy.map * factor)
    if kind == "Cat":
        channels = [below._input_metadata[number].shape[1] for _, below, number in forward.graph.following[node]]
        return Energy(energy.map * channels[place] / sum(channels))
    if kind in ("MaxPool2DWithIndices", "AvgPool2D", "AdaptiveAvgPool2D", "Mean"):
        return Energy(_unpooled(node, kind, energy.map, size))
    if energy.map.shape == size:
        return energy
    return Energy(torch.full(size, energy.total / math.prod(size), dtype=torch.float64))  # before it was flattened


def _below_weights(forward: Forward, node, energy: Energy, size) -> Energy:
    use, (kernel, *_) = forward.uses[node], forward.below(node)
    gain, bias = variances(use)
    if operation(node) == "Convolution":
        window = use.weight.shape[2:]
        taps = torch.full((1, 1, *window), gain / math.prod(window), dtype=torch.float64)
        return Energy(_spread(node, energy.map, taps, size))
    if energy.along is None or not energy.total * gain * kernel.second:  # nothing flows, or no product is known
        return Energy(energy.map * gain)
    second, features = forward.kernels[node].second, len(use.weight)
    share = (second - bias) / second  # of W h in z = W h + b
    along = share**2 * energy.along + share * bias * energy.total
    coupled = gain * energy.total * (1 - 1 / features) + along / (features * kernel.second)
    return Energy(energy.map * (coupled / energy.total), along)


def _spread(node, energy: torch.Tensor, taps: torch.Tensor, size) -> torch.Tensor:
    """Return the energy that arrives at a convolution's input: padding takes its part."""
    setting = (list(node._saved_stride), list(node._saved_padding), list(node._saved_dilation), False, [0, 0], 1)
    blank = torch.zeros(1, 1, *size, dtype=torch.float64)
    mask = [True, False, False]
    return torch.ops.aten.convolution_backward(energy[None, None], blank, taps, None, *setting, mask)[0][0, 0]


def _through_gate(forward: Forward, node, above, energy: Energy) -> Energy:
    function, kinks = forward.gates[node]
    kernel, slope = forward.below(node)[0], derivative(function)
    mean, variance = kernel.mean, kernel.second - kernel.mean**2
    if above is not None and operation(above) == "MaxPool2DWithIndices":
        window = list(above._saved_kernel_size)
        alike, count = window_correlation(kernel, window), math.prod(window)
        return Energy(energy.map * of_the_largest(lambda x: slope(x).square(), mean, variance, alike, count))
    factor = expectation(lambda x: slope(x).square(), mean, variance, kinks)
    square = expectation(lambda x: function(x).square(), mean, variance, kinks)
    if energy.along is None or not square:
        return Energy(energy.map * factor)
    share = expectation(lambda x: x * slope(x) * function(x), mean, variance, kinks) / square
    rest = expectation(lambda x: (x * slope(x)).square(), mean, variance, kinks) - share**2 * square
    return Energy(energy.map * factor, share**2 * energy.along + rest * energy.total)


def _unpooled(node, kind: str, energy: torch.Tensor, size) -> torch.Tensor:
    """Return the energy below a pool: the largest takes all of it, an average's parts the square of their weight."""
    if kind == "AdaptiveAvgPool2D":
        rows, columns = (_adaptive(out, side) for out, side in zip(energy.shape, size))
        return rows.square().T @ energy @ columns.square()
    count = {"Mean": math.prod(size), "AvgPool2D": math.prod(getattr(node, "_saved_kernel_size", ()))}.get(kind, 1)
    below = functional.interpolate(energy[None, None], size)[0, 0]
    return below * (energy.sum() / count / below.sum())


def _adaptive(out: int, side: int) -> torch.Tensor:
    """Return the weights [out, side] of an adaptive average along one side."""
    weights = torch.zeros(out, side, dtype=torch.float64)
    for row in range(out):
        start, end = row * side // out, -(-(row + 1) * side // out)
        weights[row, start:end] = 1 / (end - start)
    return weights
