"""Notebook 004's random networks: how many a second the batched draws make, over the notebook's own loop.

    python bench/draws.py

The loop builds each network as the seed does, an nn.Sequential with one backward pass, in float32; ours computes in
float64. One process, one thread, interleaved rounds, the median of paired ratios; A/A is the loop against itself.
"""

import time

import numpy as np
import torch
from torch import nn
from torch.nn.functional import mse_loss

from gradflow.models.build import build
from gradflow.propagation.random_mlps import draw_norms

ROUNDS = 7
SHAPE = {"classes": 1, "channels": 10, "image_size": 1}
SIZES = [(5, 10), (20, 10), (50, 10), (5, 64), (20, 64), (5, 256)]  # (depth, width)


def loop(depth: int, width: int, networks: int) -> None:
    for _ in range(networks):
        model: nn.Module = build("mlp", **SHAPE, depth=depth, units=width, activation="sigmoid", init="xavier")
        x, y = torch.randn(100, 10), torch.randn(100, 1)
        mse_loss(model(x), y).backward()
        [parameter.grad.norm(2).item() for parameter in model.parameters()]


def rate(work, networks: int) -> float:
    started = time.perf_counter()
    work(networks)
    return networks / (time.perf_counter() - started)


def main() -> None:
    torch.set_num_threads(1)
    print("layers  width  batched, networks/s  loop, networks/s  ratio  A/A")
    for depth, width in SIZES:
        few, many = max(10, 1500 // depth), 2000 if width == 10 else 400

        def looped(networks, depth=depth, width=width):
            loop(depth, width, networks)

        def batched(networks, depth=depth, width=width):
            draw_norms("sigmoid", "xavier", depth=depth, width=width, draws=networks)

        looped(10), batched(many)
        found = np.array([[rate(batched, many), rate(looped, few), rate(looped, few)] for _ in range(ROUNDS)])
        ours, theirs, _ = np.median(found, axis=0)
        ratio, same = np.median(found[:, 0] / found[:, 1]), np.median(found[:, 1] / found[:, 2])
        print(f"{depth:6d} {width:6d} {ours:20,.0f} {theirs:17,.0f} {ratio:6.1f} {same:5.2f}", flush=True)


if __name__ == "__main__":
    main()
