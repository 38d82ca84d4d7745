"""The forward pass of the pure prediction: the kernels of what every operation computes, from choices alone."""

from dataclasses import replace

import torch
from torch.nn import functional

from gradflow.propagation.gates import gate_of
from gradflow.propagation.graph import ACCUMULATE, Graph, WeightUse
from gradflow.propagation.kernels import (
    Kernel,
    averaged,
    kernel_of,
    of_the_largest,
    resampled,
    through_gate,
    window_correlation,
)
from gradflow.propagation.operations import dropped_share, operation
from gradflow.recorder.products import LAYOUTS


class Unpredictable(Exception):
    """An operation of which choices alone say nothing; the message is its name."""


class Forward:
    """The kernels of what every node computed, by node."""

    def __init__(self, graph: Graph, leaf: torch.Tensor):
        self.graph, self.uses, self.input = graph, graph.use_at(), kernel_of(leaf)
        self.kernels: dict = {}
        self.gates: dict = {}
        for node in reversed(graph.nodes):
            self.kernels[node] = self._of(node)

    def below(self, node) -> list:
        """Return the kernels of what a node takes, the input's own where it takes that."""
        return [self.kernels.get(below) or self.input for _, below, _ in self.graph.following[node]]

    def _of(self, node) -> Kernel:
        kind, taken = operation(node), self.below(node)
        if node in self.uses:
            return self._weighted(node, taken[0])
        gate = gate_of(node, kind)
        if gate:
            self.gates[node] = gate
            return through_gate(taken[0], *gate)
        rule = getattr(self, f"_{kind.lower()}", None)
        if rule is not None:
            return rule(node, taken)
        if kind in LAYOUTS:
            return self._arranged(node, taken)
        raise Unpredictable(f"the operation {kind}")

    def _weighted(self, node, taken: Kernel) -> Kernel:
        use = self.uses[node]
        gain, bias = variances(use)
        if operation(node) != "Convolution":
            return replace(taken, values=gain * taken.values.mean((1, 2), keepdim=True) + bias, mean=0.0)
        if node._saved_transposed:
            raise Unpredictable("a transposed convolution")
        shares = inside(node, use.weight.shape[2:], taken.values.shape[1:])
        values = self._resized(node, gain * shares * taken.values + bias, node._saved_stride)
        spectrum = self._patches(use) if self._reads_input(node) else None
        return Kernel(values, taken.samples, spectrum=spectrum)

    def _reads_input(self, node) -> bool:
        return all(
            below not in self.kernels or operation(below) == "Clone" for _, below, _ in self.graph.following[node]
        )

    def _patches(self, use: WeightUse) -> torch.Tensor:
        """Return the spectrum of a channel's variance over the input's patches: that of Var w · Cov(patches)."""
        node, images = use.node, use.node._saved_input.detach().cpu()
        setting = {"dilation": node._saved_dilation, "padding": node._saved_padding, "stride": node._saved_stride}
        patches = functional.unfold(images.float(), use.weight.shape[2:], **setting)
        rows = patches.transpose(1, 2).flatten(0, 1).double()
        gain, _ = variances(use)
        return torch.linalg.eigvalsh(torch.cov(rows.T)).clamp_min(0) * gain / rows.shape[1]

    def _resized(self, node, values: torch.Tensor, stride) -> torch.Tensor:
        height, width = node._input_metadata[0].shape[2:]
        return resampled(values, height, width, list(stride))

    def _arranged(self, node, taken: list) -> Kernel:
        shape = node._input_metadata[0].shape
        kernel = taken[0]
        if len(shape) == 2 and kernel.values.shape[1:] != (1, 1):  # flattened: positions are features now
            return replace(kernel, values=kernel.values[:, :1, :1])
        if operation(node) not in ("View", "UnsafeView", "ReshapeAlias", "Alias", "Clone", "Squeeze", "Unsqueeze"):
            raise Unpredictable(f"the operation {operation(node)}")
        return kernel

    def _add(self, node, taken: list) -> Kernel:
        if len(taken) == 1:
            return taken[0]
        one, two = taken
        values = one.values + two.values + 2 * one.mean * two.mean
        return Kernel(values, one.samples, one.mean + two.mean)

    def _cat(self, node, taken: list) -> Kernel:
        channels = [below._input_metadata[number].shape[1] for _, below, number in self.graph.following[node]]
        share = [count / sum(channels) for count in channels]
        values = sum(part * kernel.values for part, kernel in zip(share, taken))
        return Kernel(values, taken[0].samples, sum(part * kernel.mean for part, kernel in zip(share, taken)))

    def _mul(self, node, taken: list) -> Kernel:
        kept = dropped_share(node)
        if kept is None or len(taken) > 1:
            raise Unpredictable("a product of two activations")
        values = taken[0].values.clone()
        values[0, 0, 0] /= 1 - kept
        return replace(taken[0], values=values)

    def _nativebatchnorm(self, node, taken: list) -> Kernel:
        if not node._saved_training:
            raise Unpredictable("batch norm that does not train")
        scale, shift = norm_parameters(node)
        kernel = taken[0]
        return Kernel((kernel.values - kernel.of_means) * (scale / kernel.within) + shift, kernel.samples)

    def _maxpool2dwithindices(self, node, taken: list) -> Kernel:
        window, stride = list(node._saved_kernel_size), list(node._saved_stride or node._saved_kernel_size)
        gate, kernel = self.gate_below(node)
        function = gate[0] if gate else lambda x: x
        count, alike = window[0] * window[1], window_correlation(kernel, window)
        variance = kernel.second - kernel.mean**2
        mean = of_the_largest(function, kernel.mean, variance, alike, count)
        square = of_the_largest(lambda x: function(x).square(), kernel.mean, variance, alike, count)
        smooth = averaged(taken[0], window, stride, *node._input_metadata[0].shape[2:]) - taken[0].mean ** 2
        return Kernel(smooth / smooth[0, 0, 0] * (square - mean**2) + mean**2, kernel.samples, mean)

    def gate_below(self, node):
        """Return the activation right below a pool, or None, and the kernel before it."""
        (_, below, _), *_ = self.graph.following[node]
        gate = gate_of(below, operation(below)) if below in self.kernels else None
        return gate, self.below(below)[0] if gate else self.below(node)[0]

    def _avgpool2d(self, node, taken: list) -> Kernel:
        window, stride = list(node._saved_kernel_size), list(node._saved_stride or node._saved_kernel_size)
        values = averaged(taken[0], window, stride, *node._input_metadata[0].shape[2:])
        return replace(taken[0], values=values)

    def _adaptiveavgpool2d(self, node, taken: list) -> Kernel:
        height, width = node._input_metadata[0].shape[2:]
        old = taken[0].values.shape[1:]
        window = [max(1, old[0] // height), max(1, old[1] // width)]
        return replace(taken[0], values=averaged(taken[0], window, window, height, width))

    def _mean(self, node, taken: list) -> Kernel:
        return replace(taken[0], values=taken[0].values.mean((1, 2), keepdim=True))


def variances(use: WeightUse) -> tuple[float, float]:
    """Return fan-in · Var W, and the bias's mean square: the choices of a layer."""
    kind = operation(use.node)
    weight = use.weight.transpose(0, 1) if kind in ("Mm", "Addmm") else use.weight
    gain = float(weight.double().square().flatten(1).sum(1).mean())
    place = {"Convolution": 2, "Addmm": 0}.get(kind)
    functions = use.node.next_functions
    bias = functions[place][0] if place is not None and place < len(functions) else None
    found = bias is not None and bias.name() == ACCUMULATE
    return gain, float(bias.variable.detach().double().square().mean()) if found else 0.0


def inside(node, window, size) -> torch.Tensor:
    """Return, by displacement [H, W], the share of a convolution's taps that lie on zeros of the padding for neither of
    two outputs: near the border their values have fewer taps in common.
    """
    rows, columns = (
        _inside_along(side, taps, padding, dilation)
        for side, taps, padding, dilation in zip(size, window, node._saved_padding, node._saved_dilation)
    )
    return rows[:, None] * columns[None, :]


def _inside_along(side: int, taps: int, padding: int, dilation: int) -> torch.Tensor:
    starts = torch.arange(-padding, side + padding - dilation * (taps - 1))
    places = starts[:, None] + dilation * torch.arange(taps)
    fits = ((places >= 0) & (places < side)).double()
    shares = []
    for displacement in range(side):
        apart = min(displacement, side - displacement, len(starts) - 1)  # cyclic; both ways are alike
        shares.append((fits[: len(fits) - apart] * fits[apart:]).mean())
    return torch.stack(shares)


def norm_parameters(node) -> tuple[float, float]:
    """Return the mean squares of a norm's factors and of its shifts."""
    weight, bias = node._saved_weight, node.next_functions[2][0] if len(node.next_functions) > 2 else None
    scale = float(weight.detach().double().square().mean()) if weight is not None else 1.0
    found = bias is not None and bias.name() == ACCUMULATE
    return scale, float(bias.variable.detach().double().square().mean()) if found else 0.0
