"""Activations as functions, from autograd's nodes: what the theory takes expectations of."""

from functools import partial

from torch import Tensor
from torch.nn import functional

# Operation -> (the function from its node, where it or its derivative jumps)
FUNCTIONS = {
    "Relu": (lambda node: functional.relu, (0.0,)),
    "LeakyRelu": (lambda node: partial(functional.leaky_relu, negative_slope=node._saved_negative_slope), (0.0,)),
    "Elu": (lambda node: partial(_elu, node._saved_alpha, node._saved_scale, node._saved_input_scale), (0.0,)),
    "Gelu": (lambda node: partial(functional.gelu, approximate=node._saved_approximate), ()),
    "Silu": (lambda node: functional.silu, ()),
    "Mish": (lambda node: functional.mish, ()),
    "Sigmoid": (lambda node: Tensor.sigmoid, ()),
    "Tanh": (lambda node: Tensor.tanh, ()),
    "Softplus": (lambda node: partial(functional.softplus, beta=node._saved_beta), ()),
    "Hardtanh": (
        lambda node: partial(functional.hardtanh, min_val=node._saved_min_val, max_val=node._saved_max_val),
        None,
    ),
    "Hardswish": (lambda node: functional.hardswish, (-3.0, 3.0)),
    "Hardsigmoid": (lambda node: functional.hardsigmoid, (-3.0, 3.0)),
}


def gate_of(node, operation: str):
    """Return an activation's function and its kinks; None for an operation that is none of those known."""
    if operation not in FUNCTIONS:
        return None
    make, kinks = FUNCTIONS[operation]
    kinks = (node._saved_min_val, node._saved_max_val) if kinks is None else kinks
    return make(node), kinks


def _elu(alpha: float, scale: float, input_scale: float, values: Tensor) -> Tensor:
    """ELU, SELU and CELU, as torch writes them: scale · (x above zero, α (e^{βx} − 1) below)."""
    return scale * (values.clamp_min(0) + alpha * (input_scale * values.clamp_max(0)).expm1())
