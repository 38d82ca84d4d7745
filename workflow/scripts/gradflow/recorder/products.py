"""The products of weights in autograd's graph: how a weight that a function uses shows that it multiplies."""

import re
from collections.abc import Iterable, Iterator

import torch

# Operations that only arrange a weight before it multiplies
LAYOUTS = {"T", "Transpose", "Permute", "Movedim", "View", "UnsafeView", "ReshapeAlias", "Alias", "Expand", "Squeeze"}
LAYOUTS |= {"Unsqueeze", "Select", "Slice", "Narrow", "Split", "SplitWithSizes", "UnsafeSplit", "Unbind", "Clone"}
LAYOUTS |= {"ToCopy", "Cat", "Stack"}
# Operations that multiply it, whose output is what they compute
PRODUCTS = {"Mm", "Addmm", "Bmm", "Baddbmm", "Addbmm", "Mv", "Addmv", "Dot", "Linear", "MkldnnLinear", "Trilinear"}
PRODUCTS |= {"Convolution", "MkldnnConvolution", "SparseMm", "SparseAddmm"}
# Operations that do much more at once, so that no product has an output of its own
FUSED = {"MkldnnRnnLayer", "CudnnRnn", "MiopenRnn", "ThnnFusedLstmCell", "ThnnFusedGruCell"}


def products(outputs: Iterable[torch.Tensor], parameters: dict[int, str]) -> Iterator[tuple[object, str, bool]]:
    """Yield the products that lead to the outputs: the node, the parameter's name, and whether its output is theirs.

    parameters: names by the identity of a parameter. A function of the user's own, too, counts as a product, without an
    output that could be told.
    """
    pending, seen = [tensor.grad_fn for tensor in outputs], set()
    while pending:
        node = pending.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        before = [function for function, _ in node.next_functions if function is not None]
        pending += before
        kind = _kind(node)
        own = isinstance(node, torch.autograd.function.BackwardCFunction)
        if kind in PRODUCTS or kind in FUSED or own:
            for name in dict.fromkeys(name for function in before for name in _arranged(function, parameters)):
                yield node, name, kind in PRODUCTS


def _arranged(node, parameters: dict[int, str]) -> list[str]:
    """Return the parameters that a node only arranges; none if it arranges anything else with them."""
    variable = getattr(node, "variable", None)
    if variable is not None:
        return [parameters[id(variable)]] if id(variable) in parameters else []
    if _kind(node) not in LAYOUTS:
        return []
    parts = [_arranged(function, parameters) if function is not None else [] for function, _ in node.next_functions]
    return [name for part in parts for name in part] if all(parts) else []


def _kind(node) -> str:
    return re.sub(r"Backward\d*$", "", node.name())
