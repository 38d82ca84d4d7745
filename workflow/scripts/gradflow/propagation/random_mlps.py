"""Random MLPs, notebook 004's many times over: their gradient norms at initialisation, drawn in one batch."""

import itertools
import math

import numpy as np
import torch
from torch.nn import functional

from gradflow.errors import GradflowError
from gradflow.models.initialization import VARIANCES

ACTIVATIONS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": lambda z: functional.leaky_relu(z, 0.01),
    "elu": functional.elu,
    "gelu": functional.gelu,
}
INPUTS, OUTPUTS = 10, 1
ELEMENTS_AT_ONCE = 2**15  # of a layer's weights or activations, over a chunk of draws: they stay in a core's own cache


def draw_norms(
    activation: str, init: str, *, depth: int = 5, width: int = 10, draws: int = 1000, samples: int = 100, seed: int = 0
) -> np.ndarray:
    """Draw random networks and return the L2 norms of every parameter's gradient (notebook 004, cells 4 and 5).

    Each draw is a new network of `depth` (Linear, activation) pairs and a new batch X [samples, 10], Y [samples, 1] of
    standard normals; the loss is the mean squared error. Float64 throughout: a deep sigmoid net's gradient falls below
    float32's smallest number.

    Parameters
    ----------
    activation : a name of `ACTIVATIONS`, after every layer, the last included.
    init : "default" (torch's) or a name of `initialization.VARIANCES`.
    depth, width : linear layers; units of each hidden one.
    draws, samples : networks; samples in the batch of each.
    seed : the random seed of all draws.

    Returns
    -------
    float64 [draws, 2·depth]; the columns are weight 1, bias 1, weight 2, ...

    Raises
    ------
    GradflowError : an unknown initialisation.
    """
    if init not in ("default", *VARIANCES):
        raise GradflowError(f"mlp.inits: {init!r} is not among {', '.join(['default', *VARIANCES])}.")
    generator = torch.Generator().manual_seed(seed)
    sizes = [INPUTS] + [width] * (depth - 1) + [OUTPUTS]
    chunk = max(1, ELEMENTS_AT_ONCE // (width * max(samples, width)))
    parts = [
        _norms(activation, _parameters(sizes, init, min(chunk, draws - start), generator), samples, generator)
        for start in range(0, draws, chunk)
    ]
    return torch.cat(parts).numpy()


def draw_all(activations: list[str], inits: list[str], **settings) -> dict[str, np.ndarray]:
    """Return {"<activation>-<init>": `draw_norms`} for every combination; settings: depth, width, draws, ..."""
    return {
        f"{activation}-{init}": draw_norms(activation, init, **settings)
        for activation, init in itertools.product(activations, inits)
    }


def backward(activation: str, parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:
    """Return the gradient of each network's own loss for each parameter.

    parameters: W_1 [D, out, in], b_1 [D, out], W_2, ... of D networks; x [D, samples, in]; y [D, samples, 1].
    """
    hidden = x.transpose(1, 2).contiguous()  # [D, in, samples]: the longest side last, for which products are fastest
    for weight, bias in zip(parameters[::2], parameters[1::2]):
        hidden = ACTIVATIONS[activation](torch.baddbmm(bias[:, :, None], weight, hidden))
    losses = ((hidden - y.transpose(1, 2)) ** 2).mean(dim=(1, 2))
    return list(torch.autograd.grad(losses.sum(), parameters))  # the networks share nothing: their gradients stay apart


def _norms(activation: str, parameters: list[torch.Tensor], samples: int, generator: torch.Generator) -> torch.Tensor:
    draws = len(parameters[0])
    # float32 is enough to draw in, and four times as fast
    x, y = (torch.randn(draws, samples, size, generator=generator).double() for size in (INPUTS, OUTPUTS))
    gradients = backward(activation, parameters, x, y)
    return torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients], dim=1)


def _parameters(sizes: list[int], init: str, draws: int, generator: torch.Generator) -> list[torch.Tensor]:
    parameters = []
    for fan_in, fan_out in itertools.pairwise(sizes):
        if init == "default":  # kaiming_uniform(a=√5): both uniform within ±1/√fan_in
            bound = 1 / math.sqrt(fan_in)
            weight, bias = (
                (2 * torch.rand(draws, *shape, generator=generator, dtype=torch.float64) - 1) * bound
                for shape in ((fan_out, fan_in), (fan_out,))
            )
        else:
            std = math.sqrt(VARIANCES[init](fan_in, fan_out))
            weight = torch.randn(draws, fan_out, fan_in, generator=generator).double() * std
            bias = torch.zeros(draws, fan_out, dtype=torch.float64)
        parameters += [weight.requires_grad_(), bias.requires_grad_()]
    return parameters
