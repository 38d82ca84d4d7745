"""Expectations over Gaussians, to ten digits for functions with kinks, and over the variance that a norm divides by."""

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import torch

REACH, POINTS = 12.0, 24  # standard deviations either way; Gauss–Legendre points on each panel of one
_ABSCISSAS, _WEIGHTS = np.polynomial.legendre.leggauss(POINTS)
TERMS = 48  # of a Hermite series
STEPS = 800  # of the integral over t in `mean_inverse_variance`


def gaussian_nodes(kinks: Sequence[float] = ()) -> tuple[torch.Tensor, torch.Tensor]:
    """Return points and weights with Σ w f(x) = E f(g), g ~ N(0, 1), for f smooth between the kinks.

    Composite Gauss–Legendre: panels of one standard deviation, cut where a kink lies.
    """
    inside = [kink for kink in kinks if -REACH < kink < REACH]
    edges = np.unique([*np.arange(-REACH, REACH + 1), *inside])
    middles, halves = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    points = (middles[:, None] + halves[:, None] * _ABSCISSAS).ravel()
    weights = (halves[:, None] * _WEIGHTS).ravel() * np.exp(-(points**2) / 2) / math.sqrt(2 * math.pi)
    return torch.from_numpy(points), torch.from_numpy(weights)


def expectation(function: Callable, mean: float, variance: float, kinks: Sequence[float] = ()) -> float:
    """Return E f(x), x ~ N(mean, variance); kinks: where f or its derivative jumps."""
    spread = math.sqrt(variance)
    if not spread:
        return float(function(torch.tensor([mean], dtype=torch.float64))[0])
    points, weights = gaussian_nodes([(kink - mean) / spread for kink in kinks])
    return float((weights * function(mean + spread * points)).sum())


def derivative(function: Callable) -> Callable:
    """Return f′ of an elementwise function, by autograd; at a kink it is what torch takes it for."""

    def slope(points: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            points = points.detach().requires_grad_()
            return torch.autograd.grad(function(points).sum(), points)[0]

    return slope


def dual(function: Callable, mean: float, variance: float, kinks: Sequence[float], correlations) -> torch.Tensor:
    """Return E f(a) f(b) for jointly Gaussian a, b of one mean and variance, at each of their correlations.

    By Mehler's formula it is Σ_n c_n² ρⁿ with the coefficients of f in normalised Hermite polynomials (Daniely et al.
    2016, section 4.1); what a finite series leaves out counts as its last term, so that ρ = 1 is exact.
    """
    spread = math.sqrt(variance)
    points, weights = gaussian_nodes([(kink - mean) / spread for kink in kinks] if spread else ())
    values = function(mean + spread * points)
    correlations = torch.as_tensor(correlations, dtype=torch.float64)
    below, here = torch.zeros_like(points), torch.ones_like(points)
    total, power, kept = torch.zeros_like(correlations), torch.ones_like(correlations), 0.0
    for n in range(TERMS):
        square = float((weights * values * here).sum()) ** 2
        total, kept = total + square * power, kept + square
        power = power * correlations
        below, here = here, (points * here - math.sqrt(n) * below) / math.sqrt(n + 1)
    return total + (float((weights * values.square()).sum()) - kept) * power


def mean_inverse_variance(eigenvalues: torch.Tensor, epsilon: float = 0.0) -> float:
    """Return E 1/(σ² + ε) of σ² = Σ λ_i g_i², g standard normal.

    It is ∫₀^∞ e^{−εt} Π_i (1 + 2tλ_i)^{−½} dt, as 1/x = ∫ e^{−xt} dt and E e^{−tλg²} = (1 + 2tλ)^{−½}. The variance of
    a channel z = w·h over a batch is of this form: σ² = wᵀ C w, with the eigenvalues of Var w · C.
    """
    eigenvalues = eigenvalues[eigenvalues > 0].double()
    scale = float(eigenvalues.sum())
    if not scale:
        return 1 / epsilon if epsilon else math.inf
    logs, weights = _legendre(STEPS)
    logs, weights = 44 * logs + 16, 44 * weights  # t from e^−28 to e^60 over the mean variance
    times = logs.exp() / scale
    exponents = -epsilon * times - 0.5 * torch.log1p(2 * times[:, None] * eigenvalues).sum(1)
    return float((weights * times * exponents.exp()).sum())


@cache
def _legendre(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the points and weights of Gauss and Legendre on [−1, 1], computed once: 800 take 40 ms."""
    points, weights = np.polynomial.legendre.leggauss(count)
    return torch.from_numpy(points), torch.from_numpy(weights)


def largest_of(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return points and weights with Σ w f(x) = E f(max of `count` independent standard normals)."""
    points, weights = gaussian_nodes()
    below = 0.5 * torch.erfc(-points / math.sqrt(2))
    return points, weights * count * below ** (count - 1)
