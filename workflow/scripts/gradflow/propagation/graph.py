"""The graph of a network: what one forward pass computed, read from autograd, in terms of layers and operations.

Autograd's own graph holds every operation that a gradient passes, of any module, whatever its Python code does: control
flow, functions and operations in place too. It holds the forward state as well, in what its nodes saved.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from gradflow.errors import GradflowError
from gradflow.propagation.operations import CAUSE_OF, operation
from gradflow.recorder.products import PRODUCTS

ACCUMULATE = "torch::autograd::AccumulateGrad"
LOOKED_UP = ("Embedding", "EmbeddingBag")
# Product -> the inputs of its node that multiply each other, and what the node saved of them
FACTORS = {
    "Convolution": ((0, "input"), (1, "weight")),
    "Mm": ((0, "self"), (1, "mat2")),
    "Addmm": ((1, "mat1"), (2, "mat2")),
    "Bmm": ((0, "self"), (1, "mat2")),
    "Baddbmm": ((1, "batch1"), (2, "batch2")),
    "Linear": ((0, "input"), (1, "weight")),
    "Mv": ((0, "self"), (1, "vec")),
}
RENAMED = {"weight_g": "weight", "weight_v": "weight", "weight_orig": "weight"}  # torch's older reparametrisations


@dataclass(frozen=True, eq=False)
class WeightUse:
    """One multiplication of an activation with a weight.

    node: autograd's. name: the layer's. kind: its module's. operand: which of the node's inputs is the activation.
    weight: as it multiplied. parameter: the one that it comes from, if one could be told.
    """

    node: object
    name: str
    kind: str
    operand: int
    weight: torch.Tensor
    parameter: nn.Parameter | None


@dataclass(eq=False)
class Graph:
    """What lies between a network's input and its outputs.

    nodes: those that a gradient on its way to the input passes, from the outputs down. following: to which of them a
    node hands it on, as (which of its inputs, the node, which of that node's outputs). uses: the weights that multiply
    an activation, in forward order. starts: the network's outputs, each with the loss's gradient for it. sources:
    the tensors at the lower end.
    """

    nodes: list
    following: dict
    starts: list[tuple[torch.Tensor, torch.Tensor]]
    sources: list[torch.Tensor]
    uses: list[WeightUse] = field(default_factory=list)

    def use_at(self) -> dict:
        """Return {node: use}."""
        return {use.node: use for use in self.uses}

    def unknown(self) -> list:
        """Return the nodes of operations that no list has, from the outputs down."""
        return [node for node in self.nodes if operation(node) not in CAUSE_OF]

    def cuts(self, lowest) -> list:
        """Return the nodes that every gradient on its way to the node `lowest` passes, from the outputs down to it."""
        leads = set()
        for node in reversed(self.nodes):
            if node is lowest or any(following in leads for _, following, _ in self.following[node]):
                leads.add(node)
        open_nodes, found = {output.grad_fn for output, _ in self.starts} & leads, []
        for node in self.nodes:
            if node not in leads:
                continue
            if open_nodes == {node}:
                found.append(node)
            if node is lowest:
                break
            open_nodes.discard(node)
            open_nodes |= {following for _, following, _ in self.following[node] if following in leads}
        return found


def read_graph(model: nn.Module, starts: Iterable[tuple[torch.Tensor, torch.Tensor]], inputs: list) -> Graph:
    """Read the graph that a forward pass has left.

    starts: outputs of the network, each with the loss's gradient for it. inputs: the leaves that require a gradient;
    for a network of tokens there are none, and the tables that they are looked up in stand for them.
    """
    starts = list(starts)
    order = _from_the_sources_up(output.grad_fn for output, _ in starts)
    if any(operation(node) == "CheckpointFunction" for node in order):
        raise GradflowError(
            "explain: torch.utils.checkpoint with use_reentrant=True hides layers from autograd's graph: "
            "explain the network with use_reentrant=False, or without checkpoints."
        )
    wanted = {id(leaf) for leaf in inputs}
    ends = [node for node in order if id(getattr(node, "variable", None)) in wanted]
    ends = ends or [node for node in order if operation(node) in LOOKED_UP]
    following: dict = {end: [] for end in ends}
    for node in order:
        edges = [(i, below, nr) for i, (below, nr) in enumerate(node.next_functions) if below in following]
        if edges:
            following[node] = edges
    nodes = [node for node in reversed(order) if node in following and node.name() != ACCUMULATE]
    starts = [start for start in starts if start[0].grad_fn in following]
    sources = [end.variable if end.name() == ACCUMULATE else end.next_functions[0][0].variable for end in ends]
    graph = Graph(nodes, following, starts, sources)
    graph.uses = _uses(model, graph)
    return graph


def _from_the_sources_up(ends: Iterable) -> list:
    """Return all nodes that lead to the ends, each after those below it."""
    order, seen, pending = [], set(), [(end, False) for end in ends]
    while pending:
        node, done = pending.pop()
        if done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            pending.append((node, True))
            pending += [(below, False) for below, _ in node.next_functions if below is not None and below not in seen]
    return order


def _uses(model: nn.Module, graph: Graph) -> list[WeightUse]:
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    places = {parameter.data_ptr(): parameter for parameter in model.parameters() if parameter.numel()}
    modules = dict(model.named_modules())
    found = [use for node in graph.nodes if (use := _use(node, graph, names, places, modules)) is not None]
    found.sort(key=lambda use: use.node._sequence_nr())
    counts: dict[str, int] = {}
    numbered = []
    for use in found:
        counts[use.name] = counts.get(use.name, 0) + 1
        again = f"{use.name} #{counts[use.name]}" if counts[use.name] > 1 else use.name
        numbered.append(WeightUse(use.node, again, use.kind, use.operand, use.weight, use.parameter))
    return numbered


def _use(node, graph: Graph, names: Mapping, places: Mapping, modules: Mapping) -> WeightUse | None:
    """Return the use of a weight that a node is the backward pass of; None for anything else."""
    factors = FACTORS.get(operation(node)) if operation(node) in PRODUCTS else None
    reached = {i for i, _, _ in graph.following[node]}
    if factors is None:
        return None
    (left, _), (right, _) = factors
    if (left in reached) == (right in reached):
        return None
    operand = left if left in reached else right
    place, saved = factors[1] if operand == left else factors[0]
    weight = getattr(node, f"_saved_{saved}", None)
    if weight is None:
        return None
    parameter = _parameter(node.next_functions[place][0]) if place < len(node.next_functions) else None
    if parameter is None or id(parameter) not in names:
        parameter = places.get(weight.data_ptr())
    if getattr(node, "_saved_alpha", 1) != 1:
        weight = weight * node._saved_alpha
    name = _layer_name(names.get(id(parameter), "")) or f"{operation(node)} with a weight that is no parameter"
    module = modules.get(name, modules.get(name.rpartition(".")[0]))
    kind = type(module).__name__.removeprefix("Parametrized") if name in modules else operation(node)
    return WeightUse(node, name, kind, operand, weight.detach(), parameter)


def _parameter(node) -> torch.Tensor | None:
    """Return the parameter from which a weight is computed, the first of several."""
    pending = [node]
    while pending:
        node = pending.pop(0)
        if node is not None and node.name() == ACCUMULATE:
            return node.variable
        pending += [below for below, _ in node.next_functions] if node is not None else []
    return None


def _layer_name(parameter: str) -> str:
    """Return the layer of a parameter as a recorder names it: the module of a `weight`, else the parameter itself."""
    before, mark, after = parameter.partition(".parametrizations." if ".parametrizations." in parameter else "\0")
    if mark:
        parameter = f"{before}.{after.split('.')[0]}"
    owner, _, own = parameter.rpartition(".")
    own = RENAMED.get(own, own)
    return owner if own == "weight" and owner else f"{owner}.{own}".strip(".")
