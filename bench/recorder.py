"""What recording costs: the training step with a recorder over the plain step, as a ratio in one process.

All variants take turns step by step on one thread; the figure is the median of paired ratios. The A/A control, two
plain loops against each other, must read within ±1.5 %, or the row says nothing. Peers run where they are installed
(make bench-peers). The floors are the same reads of memory without anything around them; "step of every=10" is the mean
over ten of its steps.
"""

import argparse
import importlib.util
import os
import statistics
from functools import partial

import torch
import torchvision
from steps import OURS, PEERS, Again, Plain

from gradflow.models.build import build

ours = partial(build, classes=10, init="he", seed=0)
NETWORKS = {
    "vgg_deep, width 1/8, 32 px, batch 32": (partial(ours, "vgg_deep", width=0.125), 32, 32),
    "vgg19, width 1/8, 32 px, batch 32": (partial(ours, "vgg19", width=0.125), 32, 32),
    "resnet50, width 1/8, 32 px, batch 32": (partial(ours, "resnet50", width=0.125), 32, 32),
    "resnet18, width 1/8, 32 px, batch 32": (partial(ours, "resnet18", width=0.125), 32, 32),
    "vgg16, width 1/4, 32 px, batch 32": (partial(ours, "vgg16", width=0.25), 32, 32),
    "resnet18, full width, 32 px, batch 32": (partial(ours, "resnet18"), 32, 32),
    "resnet50 (torchvision), 64 px, batch 32": (partial(torchvision.models.resnet50, num_classes=10), 64, 32),
    "resnet50 (torchvision), 224 px, batch 8, bf16, channels_last": (
        partial(torchvision.models.resnet50, num_classes=10), 224, 8, torch.bfloat16, True,
    ),
}  # fmt: skip
NEEDS = {"lightning": "lightning", "cockpit": "cockpit", "wandb": "wandb"}
SECONDS = 6  # a network and variant at most


def measure(arguments: tuple, kinds: dict, steps: int, warm_up: int = 3) -> dict[str, float]:
    """Return each variant's median ratio to the plain step; NaN for one that cannot run this network."""
    variants = {}
    for kind, make in kinds.items():
        try:
            variants[kind] = make(*arguments)
            variants[kind].step()
        except Exception as error:
            variants.pop(kind, None)
            print(f"    {kind} cannot run it: {type(error).__name__}: {str(error).splitlines()[0][:90]}")
    steps = max(10, min(steps, int(SECONDS / max(variants["plain"].step(), 1e-3))))
    times = {kind: [] for kind in variants}
    names = list(variants)
    for number in range(steps + warm_up):
        turn = number % len(names)
        for kind in names[turn:] + names[:turn]:
            times[kind].append(variants[kind].step())
    plain = times["plain"][warm_up:]
    ratios = {}
    for kind, taken in times.items():
        pairs = [a / b for a, b in zip(taken[warm_up:], plain)]
        phases = [pairs[phase::10] for phase in range(10)] if kind == "every=10" else [pairs]
        ratios[kind] = statistics.mean(statistics.median(phase) for phase in phases)
    return ratios


def main(steps: int, only: str) -> None:
    """Print a row a network."""
    torch.set_num_threads(1)
    there = {name: make for name, make in PEERS.items() if name not in NEEDS or importlib.util.find_spec(NEEDS[name])}
    kinds = {"plain": Plain, "A/A": Again, **OURS, **there}
    print(f"torch {torch.__version__}, one thread, up to {steps} steps, load {os.getloadavg()[0]:.2f}")
    columns = [kind for kind in kinds if kind != "plain"]
    print(f"{'network':62}" + "".join(f"{kind:>11}" for kind in columns))
    for name, arguments in NETWORKS.items():
        if only not in name:
            continue
        ratios = measure(arguments, kinds, steps)
        row = "".join(f"{ratios[kind]:11.3f}" if kind in ratios else f"{'–':>11}" for kind in columns)
        void = "" if abs(ratios["A/A"] - 1) <= 0.015 else "  void: the control is off"
        print(f"{name:62}{row}{void}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--only", default="", help="networks whose names hold this")
    main(**vars(parser.parse_args()))
