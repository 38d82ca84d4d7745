"""The real backward pass through a graph: what a prediction is laid beside."""

from dataclasses import dataclass

import torch

from gradflow.propagation.graph import Graph
from gradflow.propagation.independence import log_norm


@dataclass(frozen=True)
class Measured:
    """What one backward pass measured, as log10 of L2 norms.

    norms: {node: of the gradient for what it computed}. weights: {id of a parameter: of its gradient}. bridges: {node
    of an operation that is not known: decades by which the gradient changes in it}.
    """

    norms: dict
    weights: dict[int, float]
    bridges: dict


def measure(graph: Graph, watched: set) -> Measured:
    """Carry the loss's gradient down a graph and take norms at the watched nodes; no parameter's `.grad` changes."""
    norms, bridges, handles = {}, {}, []

    def arrives(node):
        return lambda gradients: norms.update({node: log_norm(gradients)})

    def passes(node):
        reached = {place for place, _, _ in graph.following[node]}

        def hook(handed, gradients):
            after = log_norm(gradient for place, gradient in enumerate(handed) if place in reached)
            bridges[node] = after - log_norm(gradients)

        return hook

    for node in watched:
        handles.append(node.register_prehook(arrives(node)))
    for node in graph.unknown():
        handles.append(node.register_hook(passes(node)))
    parameters = [use.parameter for use in graph.uses if use.parameter is not None and use.parameter.requires_grad]
    parameters = list({id(one): one for one in parameters}.values())
    outputs, gradients = zip(*graph.starts)
    try:
        found = torch.autograd.grad(
            outputs, [*graph.sources, *parameters], gradients, retain_graph=True, allow_unused=True
        )
    finally:
        for handle in handles:
            handle.remove()
    of_weights = found[len(graph.sources) :]
    return Measured(norms, {id(one): log_norm([g]) for one, g in zip(parameters, of_weights)}, bridges)
