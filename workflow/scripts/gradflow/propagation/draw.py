"""One draw of a network: its gradient at every layer, measured and predicted, and what changes it on the way."""

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from gradflow.errors import GradflowError
from gradflow.propagation.choices import Unpredictable
from gradflow.propagation.decomposition import Step, decompose
from gradflow.propagation.ends import loss_gradients, to_float64, with_leaves
from gradflow.propagation.graph import Graph, WeightUse, read_graph
from gradflow.propagation.independence import Passes, independent_backward, log_norm
from gradflow.propagation.measurement import Measured, measure
from gradflow.propagation.operations import operation
from gradflow.propagation.pure import TRAINED, predict_purely
from gradflow.propagation.untouched import left_alone
from gradflow.propagation.width import spread_over_draws
from gradflow.recorder.nested import tensors_in

TOO_SMALL = -30.0  # log10 of a float32 norm whose elements may fall below the smallest number


@dataclass(frozen=True)
class Draw:
    """A network's one forward pass, and the gradients that go through it.

    steps: from the last layer to the first. batch: samples. pure: {node: log10 of the norm that choices alone predict,
    with the measured one at the last layer}; empty where they do not, and `not_pure` says what stands in the way.
    variance: fan-in · Var W of the weights on the path, their geometric mean. update: the norm of the weight gradient
    over the weight's of the first layer that is trained, as log10; NaN if none is. redrawn: layers whose weights were
    all zero and were drawn. spreads: {layer on the path: decades by which finite width spreads its predicted norm, over
    the last layer's, over draws}.
    """

    graph: Graph
    measured: Measured
    passes: Passes
    steps: list[Step]
    batch: int
    pure: dict
    not_pure: str
    variance: float
    update: float
    redrawn: list[str]
    spreads: dict

    @property
    def first(self):
        """The lowest layer."""
        return self.graph.uses[0]

    def unknown(self) -> list[str]:
        """Return the names of the operations that no rule knows, from the input up."""
        return list(dict.fromkeys(operation(node) for node in reversed(self.graph.unknown())))


def draw_network(
    model: nn.Module,
    inputs,
    targets,
    *,
    loss: Callable,
    forward: Callable,
    seed: int,
    probes: int,
    trained: bool = False,
    pure: bool = True,
) -> Draw:
    """Let one batch through a network and carry the loss's gradient down, really and independently of the weights.

    Parameters
    ----------
    model : in the mode that it is in; it is left as it was, with its buffers, gradients and torch's random state.
    inputs : what `forward` takes beside the model, tensors in any nesting.
    targets : what the loss takes beside the network's output.
    loss : (output, targets) -> scalar.
    forward : (model, inputs) -> output.
    seed : of dropout, and of the independent passes' signs.
    probes : how many independent passes are averaged.
    trained : whether the weights are known to be no draw, so that choices alone say nothing.
    pure : whether to predict from choices alone too, which takes longest in deep networks with batch norm.

    Raises
    ------
    GradflowError : an output or a loss that is not finite or has no gradient, and a network without two layers.
    """
    choices = _predict_purely if pure and not trained else (lambda *_: ({}, TRAINED if trained else ""))
    work = (loss, forward, seed, probes, choices)
    with left_alone(model):
        made = _draw(model, inputs, targets, *work)
        zero = (
            []
            if _flows(made)
            else [use for use in made.graph.uses if use.parameter is not None and not use.weight.any()]
        )
        with _drawn(zero, seed):
            redrawn = [use.name for use in zero]
            if zero:
                made = _draw(model, inputs, targets, *work, redrawn)
            single = next((one.dtype for one in model.parameters()), torch.float32) != torch.float64
            if single and min(made.measured.norms.get(use.node, -torch.inf) for use in made.graph.uses) < TOO_SMALL:
                made = _draw(*_in_float64(model, inputs, targets), *work, redrawn)
    return made


def _draw(model, inputs, targets, loss, forward, seed: int, probes: int, choices: Callable, redrawn=()) -> Draw:
    torch.manual_seed(seed)
    leaves: list[torch.Tensor] = []
    with torch.enable_grad():
        output = forward(model, with_leaves(inputs, leaves))
        starts = loss_gradients(output, targets, loss)
        graph = read_graph(model, starts, leaves)
    if len(graph.uses) < 2:
        names = ", ".join(sorted({operation(node) for node in graph.unknown()}))
        hidden = f" (others may be hidden in {names}, of which no rule is known)" if names else ""
        count = {0: "no layer", 1: "one layer"}[len(graph.uses)]
        raise GradflowError(
            f"explain: {count} with weights lies between the input and the loss{hidden}; there must be two."
        )
    first, last = graph.uses[0].node, graph.uses[-1].node
    cuts = [node for node in graph.cuts(first) if node is last or node._sequence_nr() < last._sequence_nr()]
    cuts = cuts if cuts[0] is last else [last, *cuts]
    watched = {*cuts, *(use.node for use in graph.uses)}
    measured = measure(graph, watched)
    passes, generator = Passes(), torch.Generator().manual_seed(seed)
    batch = len(next(tensors_in(inputs)))
    for _ in range(probes):
        independent_backward(graph, passes, generator, measured.bridges, batch, watched)
    steps = decompose(graph, cuts, passes)
    pure, not_pure = choices(graph, measured, batch)
    numbers = (_variance(graph, steps), _update(graph, measured))
    spreads = spread_over_draws(cuts, passes.spreads)
    return Draw(graph, measured, passes, steps, batch, pure, not_pure, *numbers, list(redrawn), spreads)


def _predict_purely(graph: Graph, measured: Measured, batch: int) -> tuple[dict, str]:
    try:
        logs = predict_purely(graph, batch)
    except Unpredictable as reason:
        return {}, str(reason)
    last = graph.uses[-1].node
    return {node: log - logs[last] + measured.norms[last] for node, log in logs.items()}, ""


def _update(graph: Graph, measured: Measured) -> float:
    for use in graph.uses:
        if id(use.parameter) in measured.weights:
            return measured.weights[id(use.parameter)] - log_norm([use.parameter])
    return math.nan


def _variance(graph: Graph, steps: list[Step]) -> float:
    on_path = {step.above for step in steps if step.cause == "weights"}
    found = [fan_variance(use) for use in graph.uses if use.node in on_path]
    logs = [math.log10(value) for value in found if value > 0]
    return 10 ** (sum(logs) / len(logs)) if logs else math.nan


def fan_variance(use: WeightUse) -> float:
    """Return fan-in · Var W of a weight, the mean over its units of the sum of squares (its mean counts in)."""
    weight = use.weight.transpose(0, 1) if operation(use.node) in ("Mm", "Addmm") else use.weight  # held as [in, out]
    return float(weight.double().square().flatten(1).sum(1).mean())


def _flows(made: Draw) -> bool:
    return made.measured.norms.get(made.first.node, -torch.inf) > -torch.inf


@contextmanager
def _drawn(uses: list, seed: int) -> Iterator[None]:
    """Draw weights that are all zero as torch draws those of a linear layer, and set them back to zero at the end."""
    torch.manual_seed(seed)
    for use in uses:
        nn.init.kaiming_uniform_(use.parameter, a=math.sqrt(5))
    try:
        yield
    finally:
        with torch.no_grad():
            for use in uses:
                use.parameter.zero_()


def _in_float64(model: nn.Module, inputs, targets) -> tuple:
    """Return a copy of a network and a batch in double precision, for gradients below float32's smallest number."""
    try:
        copied = copy.deepcopy(model).double()
    except Exception as error:  # other people's code fails in any way
        raise GradflowError(
            f"explain: the gradient falls below float32's smallest number, and the network cannot be copied to follow "
            f"it in float64 ({type(error).__name__}: {error})."
        ) from error
    return copied, to_float64(inputs), to_float64(targets)
