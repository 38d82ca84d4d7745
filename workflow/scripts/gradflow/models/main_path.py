"""The main path of a network: the longest chain of layers from its input to its output, found in autograd's graph.

A projection beside a residual block, or another short cut, does not lie on it. Profiles against depth follow it.
"""

from collections.abc import Callable

import torch
from torch import nn

from gradflow.recorder.layers import select_layers
from gradflow.recorder.nested import tensors_in


def beside_main_path(model: nn.Module, *inputs: torch.Tensor, forward: Callable | None = None) -> list[str]:
    """Return the convolutions and linear layers that run but lie beside the main path, in forward order.

    Nothing is computed backwards; the model is left as it was, but for what its forward pass changes.

    Parameters
    ----------
    model : any module.
    inputs : what it is called with.
    forward : how it is called, if not by `model(*inputs)`.

    Returns
    -------
    Names of layers. Of chains that are equally long all are on the main path.
    """
    uses: list[tuple[str, object, set]] = []  # of layers, in forward order: name, node, nodes of the layers before it
    known: dict[object, int] = {}  # the use that made a node

    def hook(name: str):
        def after(module: nn.Module, args: tuple, output) -> None:
            node = getattr(output, "grad_fn", None)
            if node is not None:
                before = _nearest(args, known)
                known[node] = len(uses)
                uses.append((name, node, before))

        return after

    layers = {name: one.module for name, one in select_layers(model, None).items() if one.has_output}
    handles = [module.register_forward_hook(hook(name)) for name, module in layers.items()]
    try:
        with torch.enable_grad():
            outputs = forward(*inputs) if forward else model(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    depth: list[int] = []
    for _, _, before in uses:  # those before a use come earlier in the list
        depth.append(1 + max((depth[known[node]] for node in before), default=0))
    main = _longest([known[node] for node in _nearest(outputs, known)], uses, known, depth)
    names = {uses[use][0] for use in main}
    return [name for name in dict.fromkeys(use[0] for use in uses) if name not in names]


def _longest(ends: list[int], uses: list, known: dict, depth: list[int]) -> set[int]:
    """Walk back from the deepest of the last layers along all longest chains; return the uses on the way."""
    deepest = max((depth[end] for end in ends), default=0)
    pending, seen = [end for end in ends if depth[end] == deepest], set()
    while pending:
        use = pending.pop()
        if use not in seen:
            seen.add(use)
            pending += [known[node] for node in uses[use][2] if depth[known[node]] == depth[use] - 1]
    return seen


def _nearest(values, known: dict) -> set:
    """Return the nodes of the recorded layers from which tensors come without another in between."""
    pending, seen, found = [tensor.grad_fn for tensor in tensors_in(values)], set(), set()
    while pending:
        node = pending.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node in known:
            found.add(node)
        else:
            pending += [function for function, _ in node.next_functions]
    return found
