"""Gradient independence: the backward pass of a network whose gradients know nothing of the weights they meet.

The theory of gradients at initialisation takes the gradient that arrives at a layer as independent of that layer's
weights (Schoenholz et al. 2017, section 4; Yang & Schoenholz 2017, axiom 3.2). Then, for δ at the output of
z = W h + b, E (Wᵀδ)_i² = Σ_o W_oi² δ_o²: the energies δ² add up, whatever the signs. It is carried out here by the
letter: on its way down, the gradient of the loss has the sign of each channel drawn anew at every layer with weights,
and goes through everything else (activations, pools, norms, attention, sums) by the exact derivative at the one forward
pass. Positions of one channel keep their signs to each other, as a convolution or a mean treats them alike.

Two refinements for a linear layer of vectors, where they are exact: the size of each element is its expectation, and
its component along the activation is the true one, as h·(Wᵀδ) = (W h)·δ whatever W is (the coupling of one matrix
forward and backward).
"""

from collections import defaultdict
from dataclasses import dataclass, field

import torch

from gradflow.propagation.graph import ACCUMULATE, FACTORS, Graph, WeightUse
from gradflow.propagation.operations import operation
from gradflow.propagation.width import channel_variance, gate_variance


@dataclass(eq=False)
class Passes:
    """What several independent backward passes found, by node.

    norms: log10 of the L2 norm of the gradient for what the node computed, one a pass. parts: shares of the energy that
    one node's step consists of, {"padding" | "coupling": [factor, one a pass]}. spreads: of layers and activations,
    [(relative variance of the channels' energies, channels), one a pass].
    """

    norms: dict = field(default_factory=lambda: defaultdict(list))
    parts: dict = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    spreads: dict = field(default_factory=lambda: defaultdict(list))

    def norm(self, node) -> float:
        """Return log10 of the expected norm at a node: the root of the mean energy of all passes."""
        logs = torch.tensor(self.norms.get(node, [-torch.inf]), dtype=torch.float64)
        top = logs.max()
        return float(top + 0.5 * (10 ** (2 * (logs - top))).mean().log10()) if top > -torch.inf else -torch.inf

    def part(self, node, name: str) -> float:
        """Return log10 of the factor by which a part of a node's step changes the norm; 0 if there is no such part."""
        factors = self.parts[node][name] if node in self.parts else []
        return 0.5 * float(torch.tensor(factors, dtype=torch.float64).mean().log10()) if factors else 0.0


def log_norm(tensors) -> float:
    """Return log10 of the L2 norm of some tensors together, -inf for zero; nothing overflows or is lost on the way."""
    total = -torch.inf
    for tensor in tensors:
        if tensor is None or not tensor.numel():
            continue
        tensor = tensor.detach()
        tensor = torch.view_as_real(tensor) if tensor.is_complex() else tensor
        largest = tensor.abs().max().item()
        if not largest:
            continue
        log = float(torch.linalg.vector_norm(tensor / largest, dtype=torch.float64).log10()) + _log10(largest)
        high, low = max(log, total), min(log, total)
        total = high + 0.5 * _log10(1 + 10 ** (2 * (low - high)))
    return total


def _log10(value: float) -> float:
    return float(torch.tensor(value, dtype=torch.float64).log10())


@torch.no_grad()
def independent_backward(
    graph: Graph, passes: Passes, generator: torch.Generator, bridges: dict, batch: int, watched: set
) -> None:
    """Carry the loss's gradient down once, with signs from the generator, and add what is found to the passes.

    bridges: {node of an operation that is not known: decades by which its measured gradient changes}. batch: samples.
    watched: the nodes to take norms at.
    """
    uses = graph.use_at()
    arrived: dict = defaultdict(dict)
    channels = 0  # of the last layer that was passed
    for output, gradient in graph.starts:
        _add(arrived[output.grad_fn], output.output_nr, gradient)
    for node in graph.nodes:
        gradients = arrived.pop(node, None)
        if gradients is None:
            continue
        if node in watched:
            passes.norms[node].append(log_norm(gradients.values()))
        if node in uses:
            handed = {uses[node].operand: _through_weights(uses[node], gradients[0], generator, batch, passes)}
            channels = passes.spreads[node][-1][1]
        else:
            handed = through_operation(node, gradients)
            if node in watched and isinstance(handed.get(0), torch.Tensor) and gradients.get(0) is not None:
                spread = gate_variance(node, gradients[0], handed[0], channels)
                passes.spreads[node] += [spread] if spread else []
        if node in bridges:
            handed = _bridged(graph, node, handed, gradients, bridges[node])
        for place, below, number in graph.following[node]:
            if handed.get(place) is not None and below.name() != ACCUMULATE:
                _add(arrived[below], number, _fitted(handed[place], below._input_metadata[number]))


def through_operation(node, gradients: dict[int, torch.Tensor]) -> dict[int, torch.Tensor]:
    """Return what an operation's own derivative makes of gradients for its outputs: {input: gradient}."""
    arguments = [gradients.get(number) for number in range(len(node._input_metadata))]
    work = node.apply if isinstance(node, torch.autograd.function.BackwardCFunction) else node
    made = work(*arguments)
    return dict(enumerate(made if isinstance(made, tuple) else (made,)))


def _add(gradients: dict[int, torch.Tensor], number: int, gradient: torch.Tensor) -> None:
    gradients[number] = gradients[number] + gradient if number in gradients else gradient


def _fitted(gradient: torch.Tensor, metadata) -> torch.Tensor:
    """Return a gradient with the shape and type of what it is for: autograd, too, sums over what was broadcast."""
    shape = tuple(metadata.shape)
    gradient = gradient if gradient.shape == shape else gradient.sum_to_size(shape)
    return gradient.to(metadata.dtype)


def _bridged(graph: Graph, node, handed: dict, gradients: dict, decades: float) -> dict:
    """Scale what an unknown operation hands on so that its norm changes by the decades that were measured."""
    reached = {place for place, _, _ in graph.following[node]}
    made = log_norm(handed.get(place) for place in reached)
    if made == -torch.inf:
        return handed
    factor = 10 ** (log_norm(gradients.values()) + decades - made)
    return {place: value * factor for place, value in handed.items() if place in reached and value is not None}


def signs(shape, like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return −1 and +1 at random, with the type and device of another tensor."""
    return (torch.randint(0, 2, shape, generator=generator) * 2 - 1).to(like)


def _through_weights(use: WeightUse, gradient: torch.Tensor, generator, batch: int, passes: Passes) -> torch.Tensor:
    """Return the independent gradient for the activation that a weight multiplies."""
    node, first = use.node, use.operand == FACTORS[operation(use.node)][0][0]
    channel = 1 if operation(node) == "Convolution" else -1 if first or gradient.dim() == 1 else -2
    shape = [1] * gradient.dim()
    shape[channel] = gradient.shape[channel]
    drawn = gradient * signs(shape, gradient, generator)
    if first and operation(node) in ("Mm", "Addmm") and gradient.dim() == 2 and len(gradient) == batch:
        return _through_vectors(use, gradient, drawn, passes)
    if operation(node) == "Convolution" and not node._saved_transposed and any(node._saved_padding):
        passes.parts[node]["padding"].append(padding_factor(use, gradient))
    return _with_spread(use, backward_of(use, drawn), passes)


def _with_spread(use: WeightUse, made: torch.Tensor, passes: Passes) -> torch.Tensor:
    """Return a layer's independent gradient; note how its channels' energies spread."""
    kind = operation(use.node)
    axis = 1 if kind == "Convolution" else made.dim() - (1 if use.operand == FACTORS[kind][0][0] else 2)
    scale = made.abs().max().clamp_min(torch.finfo(made.dtype).tiny)
    passes.spreads[use.node].append(channel_variance((made / scale).square(), axis))
    return made


def backward_of(use: WeightUse, gradient: torch.Tensor) -> torch.Tensor:
    """Return a layer's own gradient for its activation, Wᵀδ, with nothing computed for the weights."""
    node, kind = use.node, operation(use.node)
    if kind == "Convolution":
        setting = (list(node._saved_stride), list(node._saved_padding), list(node._saved_dilation))
        setting += (bool(node._saved_transposed), list(node._saved_output_padding), node._saved_groups)
        taken = (gradient, node._saved_input, use.weight, None)
        return torch.ops.aten.convolution_backward(*taken, *setting, [True, False, False])[0]
    if kind not in ("Mm", "Addmm", "Bmm", "Baddbmm"):
        return through_operation(node, {0: gradient})[use.operand]
    first = use.operand == FACTORS[kind][0][0]
    turned = use.weight.transpose(-1, -2)
    return gradient @ turned if first else turned @ gradient


def padding_factor(use: WeightUse, gradient: torch.Tensor) -> float:
    """Return the share of a gradient's energy that a convolution does not lose to the zeros around its input.

    Of an output near the border some taps lie on the padding, and their part of Σ W² is lost:
    Σ δ²[o, x] · Σ_{taps of x inside} W_o² / Σ δ²[o, x] · Σ W_o².
    """
    node, weight = use.node, use.weight
    energy = (gradient / gradient.abs().max().clamp_min(torch.finfo(gradient.dtype).tiny)).square().sum(0)
    ones = torch.ones_like(node._saved_input[:1])
    setting = (list(node._saved_stride), list(node._saved_padding), list(node._saved_dilation))
    inside = torch.ops.aten.convolution(ones, weight.square(), None, *setting, False, [0], node._saved_groups)[0]
    whole = weight.square().flatten(1).sum(1).view(-1, *[1] * (energy.dim() - 1))
    kept, everything = (energy * inside).sum(dtype=torch.float64), (energy * whole).sum(dtype=torch.float64)
    return float(kept / everything) if everything else 1.0


def _through_vectors(use: WeightUse, gradient, drawn, passes: Passes) -> torch.Tensor:
    """Return the gradient for the vectors [batch, features] that a linear layer takes."""
    scale, made = gradient.abs().max(), _with_spread(use, backward_of(use, drawn), passes)
    if not scale:
        return made
    energy = (gradient / scale).square() @ use.weight.square().transpose(0, 1)
    made = torch.where(made < 0, -1, 1) * energy.sqrt() * scale
    activation = getattr(use.node, "_saved_mat1" if operation(use.node) == "Addmm" else "_saved_self", None)
    if activation is None:
        return made
    along = backward_of(use, gradient) - made  # its component along the activation is the only one that is known
    length = activation.square().sum(1, keepdim=True)
    share = torch.where(length > 0, (along * activation).sum(1, keepdim=True) / length, 0)
    coupled = made + share * activation
    passes.parts[use.node]["coupling"].append(10 ** (2 * (log_norm([coupled]) - log_norm([made]))))
    return coupled
