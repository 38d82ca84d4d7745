"""Depth scales of random networks: over how many layers what goes in, and the gradient that comes back, is forgotten.

The infinitely wide network of Poole et al. 2016 and Schoenholz et al. 2017, with weights N(0, σ_w²/fan-in) and biases
N(0, σ_b²).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch

from gradflow.errors import GradflowError
from gradflow.propagation.quadrature import derivative, dual, expectation

HALVINGS = 80  # of an interval that a fixed point lies in: down to rounding
LARGEST = 1e12  # a variance that is beyond it grows for ever


class DepthScales(NamedTuple):
    """The fixed point of a random network, and how fast layers approach it.

    variance, correlation: q* of a sample's pre-activations, c* of two samples'. correlation_length, gradient_length:
    ξ_c and ξ_∇ in layers: differences from c* fall as e^(−l/ξ_c), a gradient's squared norm as e^(−l/ξ_∇). Infinite at
    the edge of chaos; a negative ξ_∇ is of gradients that explode.
    """

    variance: float
    correlation: float
    correlation_length: float
    gradient_length: float


def depth_scales(
    weight_variance: float, bias_variance: float, activation: Callable[[torch.Tensor], torch.Tensor] = torch.tanh
) -> DepthScales:
    """Return the depth scales of a random network (Schoenholz et al. 2017, sections 3 and 4).

    With u₁, u₂ Gaussian of variance q* and correlation c*: ξ_c = −1/ln(σ_w² E φ′(u₁) φ′(u₂)), ξ_∇ = −1/ln χ₁,
    χ₁ = σ_w² E φ′(u₁)².

    Parameters
    ----------
    weight_variance, bias_variance : σ_w², of fan-in times the variance of a weight, and σ_b².
    activation : φ, elementwise and smooth, such that E φ² has one fixed point.

    Raises
    ------
    GradflowError : the variance grows from layer to layer without end.
    """
    slope = derivative(activation)

    def mapped(variance: float) -> float:
        return weight_variance * expectation(lambda u: activation(u).square(), 0.0, variance) + bias_variance

    top = 1.0
    while mapped(top) > top:
        top *= 2
        if top > LARGEST:
            raise GradflowError(
                f"depth scales: at σ_w² = {weight_variance} and σ_b² = {bias_variance} the variance of the activations "
                "grows without end: take a smaller σ_w²."
            )
    variance = _crossing(lambda q: mapped(q) - q, top)
    gain = weight_variance * expectation(lambda u: slope(u).square(), 0.0, variance)

    def correlated(correlation: float) -> float:
        mean = float(dual(activation, 0.0, variance, (), correlation))
        return (weight_variance * mean + bias_variance) / variance - correlation

    ordered = gain <= 1  # two samples become one
    correlation = 1.0 if ordered else _crossing(correlated, 1.0)
    rate = gain if ordered else weight_variance * float(dual(slope, 0.0, variance, (), correlation))
    return DepthScales(variance, correlation, _length(rate), _length(gain))


def _crossing(function: Callable[[float], float], top: float) -> float:
    """Return where a function that is positive below and negative above crosses zero, between 0 and `top`."""
    low, high = 0.0, top
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return high


def _length(rate: float) -> float:
    return math.inf if rate == 1 else -1 / math.log(rate)
