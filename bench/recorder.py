"""What recording costs: the training step with a recorder over the plain step, as a ratio in one process.

All variants are interleaved step by step on one thread; the figure is the median of paired ratios. The A/A control, two
plain loops against each other, must read within ±1.5 %, or the run says nothing.
"""

import argparse
import os
import statistics
import time

import torch
from torch.nn.functional import cross_entropy

from gradflow import GradientRecorder
from gradflow.models.build import build

NETWORKS = {
    "vgg16, width 1/4, 32 px, batch 32": ("vgg16", {"width": 0.25}, 32),
    "vgg_deep, width 1/4, 32 px, batch 32": ("vgg_deep", {"width": 0.25}, 32),
    "resnet18, full width, 32 px, batch 32": ("resnet18", {}, 32),
    "resnet50, width 1/4, 32 px, batch 16": ("resnet50", {"width": 0.25}, 16),
}


class Plain:
    """A training step without anything else."""

    def __init__(self, architecture, options, batch):
        self.model = build(architecture, classes=10, init="he", seed=0, **options)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-3)
        self.images, self.labels = torch.randn(batch, 3, 32, 32), torch.randint(10, (batch,))

    def after_backward(self):
        pass

    def step(self):
        started = time.perf_counter()
        self.optimizer.zero_grad()
        cross_entropy(self.model(self.images), self.labels).backward()
        self.after_backward()
        self.optimizer.step()
        return time.perf_counter() - started


class Recorded(Plain):
    """The same with our recorder: every quantity of every layer."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.recorder = GradientRecorder(self.model).__enter__()
        self.after_backward = self.recorder.step


class SeedHook(Plain):
    """The same with the notebooks' hook: one quantity, read with .item() in each hook."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        norms = []
        for module in self.model.modules():
            if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
                module.register_full_backward_hook(lambda m, i, o: norms.append(o[0].norm().item()))


def main(steps: int, warm_up: int = 5) -> None:
    """Print a row a network: recorder / plain, seeds' hook / plain, and the A/A control."""
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, one thread, {steps} steps, load {os.getloadavg()[0]:.2f}")
    print(f"{'network':40} {'recorder':>9} {'seed hook':>10} {'A/A':>7}")
    for name, arguments in NETWORKS.items():
        variants = {kind: maker(*arguments) for kind, maker in
                    [("plain", Plain), ("again", Plain), ("recorder", Recorded), ("hook", SeedHook)]}  # fmt: skip
        times = {kind: [] for kind in variants}
        for _ in range(steps + warm_up):
            for kind, variant in variants.items():
                times[kind].append(variant.step())
        plain = times["plain"][warm_up:]
        ratio = {k: statistics.median(a / b for a, b in zip(t[warm_up:], plain)) for k, t in times.items()}
        void = "" if abs(ratio["again"] - 1) <= 0.015 else "  void: the control is off"
        print(f"{name:40} {ratio['recorder']:9.3f} {ratio['hook']:10.3f} {ratio['again']:7.3f}{void}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    main(parser.parse_args().steps)
