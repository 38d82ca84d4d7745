"""The forward pass of a random network in the mean, from choices and the input's statistics: kernels of displacements.

K[d] is the mean product E_c h_c(b, x) h_c(b', x + d) of a layer's activations over its channels c, positions x and
samples, of one sample (b = b') and of two; displacements are cyclic. A random convolution leaves its shape alone,
K → fan-in · Var W · K + Var b, an activation maps it point by point (Poole et al. 2016, eq. 3 to 5; for displacements
Xiao et al. 2018, eq. 2.6), pools and strides take it at larger displacements.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from gradflow.propagation.quadrature import dual, expectation, gaussian_nodes, largest_of

KNOTS = 65  # correlations at which an activation's kernel is computed; others are interpolated


@dataclass(frozen=True)
class Kernel:
    """The mean products of a layer's activations.

    values: float64 [2, H, W], of one sample and of two different ones, by the displacement; of vectors H = W = 1.
    samples: of the batch. mean: what all channels have in common. spectrum: eigenvalues that the variance of one
    channel over the batch is made of, if they are known better than from the values.
    """

    values: torch.Tensor
    samples: int
    mean: float = 0.0
    spectrum: torch.Tensor | None = None

    @property
    def second(self) -> float:
        """The mean square."""
        return float(self.values[0, 0, 0])

    @property
    def of_means(self) -> float:
        """The mean square of the channels' means over samples and positions."""
        same, other = self.values.mean((1, 2))
        return float(same + (self.samples - 1) * other) / self.samples

    @property
    def within(self) -> float:
        """The mean variance of a channel over samples and positions."""
        return self.second - self.of_means

    def eigenvalues(self) -> torch.Tensor:
        """Return the eigenvalues λ with σ² = Σ λ g² for the variance σ² of one channel over samples and positions."""
        if self.spectrum is not None:
            return self.spectrum
        same, other = torch.fft.fft2(self.values).real.clone()
        together = same + (self.samples - 1) * other
        together[0, 0] = 0  # the channel's mean is taken off
        apart = (same - other).flatten().repeat(self.samples - 1)
        return torch.cat([apart, together.flatten()]).clamp_min(0) / (self.samples * same.numel())


def kernel_of(inputs: torch.Tensor) -> Kernel:
    """Return the kernel of a batch [B, C, H, W] or [B, C]: its statistics are all that is taken from the data."""
    images = inputs.detach().cpu().double()
    images = images.reshape(*images.shape, 1, 1) if images.dim() == 2 else images
    waves, samples = torch.fft.fft2(images), len(images)
    same = waves.abs().square().sum((0, 1))
    everything = waves.sum(0).abs().square().sum(0)
    other = (everything - same) / max(samples - 1, 1)
    return Kernel(torch.fft.ifft2(torch.stack([same, other])).real / images.numel(), samples)


def resampled(values: torch.Tensor, height: int, width: int, stride: Sequence[int]) -> torch.Tensor:
    """Return a kernel on a grid of another size, whose steps are `stride` of the old ones."""
    for dim, size, step in zip((1, 2), (height, width), stride):
        signed = torch.arange(size)
        signed = torch.where(signed > size // 2, signed - size, signed) * step
        half = values.shape[dim] // 2
        values = values.index_select(dim, signed.clamp(-half, half) % values.shape[dim])
    return values


def through_gate(kernel: Kernel, function: Callable, kinks: Sequence[float]) -> Kernel:
    """Return the kernel after an activation, of values that are Gaussian over channels."""
    variance = kernel.second - kernel.mean**2
    knots = torch.cos(torch.linspace(math.pi, 0, KNOTS, dtype=torch.float64))  # dense where ρ is near 1
    table = dual(function, kernel.mean, variance, kinks, knots)
    correlations = ((kernel.values - kernel.mean**2) / variance).clamp(-1, 1)
    mean = expectation(function, kernel.mean, variance, kinks)
    return Kernel(interpolated(correlations, knots, table), kernel.samples, mean)


def interpolated(at: torch.Tensor, knots: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Return the piecewise linear function through (knots, values)."""
    right = torch.searchsorted(knots, at.contiguous()).clamp(1, len(knots) - 1)
    share = (at - knots[right - 1]) / (knots[right] - knots[right - 1])
    return values[right - 1] + share * (values[right] - values[right - 1])


def window_correlation(kernel: Kernel, window: Sequence[int]) -> float:
    """Return the mean correlation of two different places of a pooling window over channels and samples."""
    same = kernel.values[0] - kernel.mean**2
    places = [(i, j) for i in range(window[0]) for j in range(window[1])]
    pairs = [(a[0] - b[0], a[1] - b[1]) for a in places for b in places if a != b]
    height, width = same.shape
    return float(sum(same[i % height, j % width] for i, j in pairs) / len(pairs) / same[0, 0]) if pairs else 0.0


def of_the_largest(function: Callable, mean: float, variance: float, correlation: float, count: int) -> float:
    """Return E f(max of `count` Gaussians of one mean, variance and correlation)."""
    shared, shared_weights = gaussian_nodes()
    points, weights = largest_of(count)
    correlation = min(max(correlation, 0.0), 1.0)
    spread = math.sqrt(variance)
    values = mean + spread * (math.sqrt(correlation) * shared[:, None] + math.sqrt(1 - correlation) * points[None, :])
    return float(shared_weights @ function(values) @ weights)


def averaged(kernel: Kernel, window: Sequence[int], stride: Sequence[int], height: int, width: int) -> torch.Tensor:
    """Return the kernel's values after an average over a window."""
    values, size = torch.zeros_like(kernel.values), window[0] * window[1]
    for i in range(1 - window[0], window[0]):
        for j in range(1 - window[1], window[1]):
            share = (window[0] - abs(i)) * (window[1] - abs(j)) / size**2
            values = values + share * kernel.values.roll((-i, -j), (1, 2))
    return resampled(values, height, width, stride)
