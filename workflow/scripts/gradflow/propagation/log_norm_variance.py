"""How far one sample's gradient is from draw to draw: the variance of ln ‖δ‖² in ReLU networks of finite width."""

import itertools
import math

import pandas as pd
import torch

from gradflow.errors import GradflowError

WEIGHTS_AT_ONCE = 2**21  # of a chunk of draws: they stay near the processor


def log_norm_variance_table(
    *, widths: list[int], depths: list[int], draws: int, first_seed: int = 0, progress=iter
) -> pd.DataFrame:
    """Draw ReLU networks with He's weights and no biases, and measure ln ‖δ‖² of one sample at their first layer.

    δ is the gradient of one random output. ln ‖δ‖² is nearly normal, of mean −β/2 and variance β = 5 Σ 1/n over the
    hidden layers' widths n, up to terms of 1/n² (Hanin & Nica 2018, theorem 1, with Gaussian weights and half of the
    units active).

    Parameters
    ----------
    widths, depths : units of each hidden layer, and how many there are.
    draws : random networks, each with its own sample, of each width and depth.
    first_seed : the random seed of all draws.
    progress : what the shapes are counted through, such as tqdm.

    Returns
    -------
    One row a width and depth: width, depth, draws, inverse_widths (Σ 1/n), mean and variance of ln ‖δ‖² over draws;
    E ‖δ‖² is 1.

    Raises
    ------
    GradflowError : a layer so narrow that no unit of it is active in some draw.
    """
    generator, rows = torch.Generator().manual_seed(first_seed), []
    for width, depth in progress(list(itertools.product(widths, depths))):
        chunk = max(1, WEIGHTS_AT_ONCE // (width**2 * depth))
        counts = [min(chunk, draws - start) for start in range(0, draws, chunk)]
        logs = torch.cat([draw_log_norms(width, depth, count, generator) for count in counts])
        if not logs.isfinite().all():
            raise GradflowError(
                f"log_norm_variance: a layer of {width} ReLUs was inactive in a draw, which has no gradient: take "
                "wider layers."
            )
        rows.append((width, depth, draws, depth / width, float(logs.mean()), float(logs.var())))
    return pd.DataFrame(rows, columns=["width", "depth", "draws", "inverse_widths", "mean", "variance"])


def draw_log_norms(width: int, depth: int, draws: int, generator: torch.Generator) -> torch.Tensor:
    """Return ln ‖δ‖² at the first hidden layer of random ReLU networks with one output, float64 [draws].

    He's weights keep the expected norm; the output's weights have the variance 2/n, so that E ‖δ‖² = 1.
    """
    first = torch.randn(draws, width, 1, generator=generator).requires_grad_()
    output = first
    for fan_out in [width] * (depth - 1) + [1]:
        weights = torch.randn(draws, fan_out, width, generator=generator) * math.sqrt(2 / width)
        output = torch.bmm(weights, output.relu())
    (gradient,) = torch.autograd.grad(output.sum(), first)  # the networks share nothing
    return gradient.double().square().sum((1, 2)).log()
