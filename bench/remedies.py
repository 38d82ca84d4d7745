"""Does what an explanation says would help come true? Each change predicted, then made to a network and measured.

    python bench/remedies.py [--seeds 3]

Predicted: the independent backward pass through the changed copy, less that through the network as it was. Measured:
autograd's, once through the very copy (same weights), and once with the weights that a change draws drawn from another
random seed (made anew), as who follows the advice will find it. Digits at 32 px, 16 images, width ¼; torchvision's own
networks at full width. Three and a half minutes of one core.

AnyInit 0.4 (bench/peers.txt) sets the weights too, by its theory (analytic) or by what it measures on the batch
(empirical); its result is predicted by ours. It is there in .venv-peers; elsewhere the others are tried without it.
"""

import argparse
import copy
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from networks import PICTURES, digits, mlp, network, number, without_zero
from torch import nn
from torchvision.models import mobilenet_v2, squeezenet1_1
from tqdm import tqdm

from gradflow.colours import BLACK, BLUE, GREEN, INDIGO, ORANGE, PURPLE, SILVER, SKY, VERMILLION
from gradflow.propagation.changes import changed_copies
from gradflow.propagation.draw import Draw, draw_network
from gradflow.propagation.explain import PROBES, build_drawn, classification_loss
from gradflow.propagation.explanation import profile_of
from gradflow.propagation.remedies import PROBES as FEW
from gradflow.propagation.remedies import find_remedies

try:
    import anyinit
except ImportError:
    anyinit = None

SETTINGS = {"loss": classification_loss, "forward": lambda model, images: model(images)}
ANEW = 1000  # added to a random seed for weights that are drawn a second time
NETWORKS = {
    "VGG-19 default": network("vgg19"),
    "VGG-38 default": network("vgg38"),
    "VGG-13 torchvision's": network("vgg13", "torchvision's"),
    "VGG-Deep sigmoid He": network("vgg_deep", "He", activation="sigmoid"),
    "ResNet-18 plain, no norm": network("resnet18", skip=False, batch_norm=False),
    "ResNet-50 plain, no norm": network("resnet50", skip=False, batch_norm=False),
    "MLP-16 ReLU default": mlp(nn.ReLU, "default"),
    "MLP-50 ReLU default": mlp(nn.ReLU, "default", depth=50),
    "MLP-16 sigmoid Xavier": mlp(nn.Sigmoid, "Xavier"),
    "MLP-16 GELU default": mlp(nn.GELU, "default"),
    "torchvision squeezenet1_1": lambda: squeezenet1_1(num_classes=10),
    "torchvision mobilenet_v2": lambda: mobilenet_v2(num_classes=10),
}
STYLES = {
    "He initialisation": (BLUE, "o"),
    "Xavier initialisation": (SKY, "s"),
    "orthogonal initialisation": (INDIGO, "^"),
    "another activation": (ORANGE, "P"),
    "skip connections": (GREEN, "D"),
    "batch norm": (VERMILLION, "v"),
    "AnyInit, analytic": (PURPLE, "X"),
    "AnyInit, empirical": (BLACK, "*"),
}


class Trial(NamedTuple):
    """One change to one draw of a network: decades that it adds, predicted and measured, and the profiles after it."""

    network: str
    change: str
    predicted: float
    same: float
    anew: float
    profiles: tuple[str, str]


def draw(model: nn.Module, batch: tuple, seed: int, probes: int) -> Draw:
    return draw_network(model, *batch, pure=False, seed=seed, probes=probes, **SETTINGS)


def measured(one: Draw) -> float:
    first, last = one.first.node, one.graph.uses[-1].node
    return one.measured.norms[first] - one.measured.norms[last]


def predicted(one: Draw) -> float:
    first, last = one.first.node, one.graph.uses[-1].node
    return one.passes.norm(first) - one.passes.norm(last)


def set_by_anyinit(model: nn.Module, mode: str, images: torch.Tensor, seed: int) -> nn.Module:
    copied = copy.deepcopy(model)
    anyinit.initialize(copied, mode, images, seed=seed)
    return copied.train()


def copies(model: nn.Module, before: Draw, images: torch.Tensor, seed: int) -> dict:
    """{change: a function that returns a changed copy}."""
    residual = any(step.cause == "skip" and step.decades for step in before.steps)
    found = dict(changed_copies(model, before.graph.uses[-1].name, residual, seed))
    for mode in ("analytic", "empirical") if anyinit else ():
        found[f"AnyInit, {mode}"] = lambda mode=mode: set_by_anyinit(model, mode, images, seed)
    return found


def trials(name: str, seed: int, batch: tuple) -> list[Trial]:
    """Every change to one draw of a network."""
    model = build_drawn(NETWORKS[name], seed)
    before = draw(model, batch, seed, PROBES)
    foretold = {
        one.change: one.predicted for one in find_remedies(model, *batch, before, seed=seed, probes=PROBES, **SETTINGS)
    }
    anew, found = copies(model, before, batch[0], seed + ANEW), []
    for change, make in copies(model, before, batch[0], seed).items():
        same, other = draw(make(), batch, seed, FEW), draw(anew[change](), batch, seed + ANEW, 1)
        after = foretold.get(change, predicted(same))
        changes = (after - predicted(before), measured(same) - measured(before), measured(other) - measured(before))
        kind = "another activation" if " for " in change else change
        found.append(Trial(name, kind, *changes, (profile_of(after), profile_of(measured(other)))))
    return found


def errors(found: list[Trial], of: str) -> np.ndarray:
    return np.array([one.predicted - getattr(one, of) for one in found])


def print_changes(found: list[Trial]) -> None:
    """Each network's changes: the means over random seeds, predicted and as measured with new weights."""
    kinds = [kind for kind in STYLES if any(one.change == kind for one in found)]
    print("\n| network | " + " | ".join(kinds) + " |\n" + "|---" * (len(kinds) + 1) + "|")
    for name in NETWORKS:
        cells = []
        for kind in kinds:
            those = [one for one in found if (one.network, one.change) == (name, kind)]
            means = [np.mean([getattr(one, of) for one in those]) for of in ("predicted", "anew") if those]
            cells.append(", ".join(map(number, means)))
        print(f"| {name} | {' | '.join(cells)} |")


def print_errors(found: list[Trial]) -> None:
    print("\n| change | tried | same weights: RMS, worst | made anew: RMS, worst | profile right |")
    print("|---|---|---|---|---|")
    for kind in (*STYLES, "all"):
        those = [one for one in found if kind in (one.change, "all")]
        if those:
            cells = [sizes(those, of) for of in ("same", "anew")]
            right = sum(one.profiles[0] == one.profiles[1] for one in those)
            print(f"| {kind} | {len(those)} | {' | '.join(cells)} | {right} |")
    for of in ("same", "anew"):
        print(f"\nThe worst, {of}:")
        for one in sorted(found, key=lambda one: -abs(one.predicted - getattr(one, of)))[:6]:
            print(f"- {one.network}, {one.change}: predicted {number(one.predicted)}, {number(getattr(one, of))}")


def sizes(found: list[Trial], of: str) -> str:
    """The errors' root mean square, and the worst."""
    off = errors(found, of)
    return without_zero(f"{np.sqrt(np.mean(off**2)):.2f}, {abs(off).max():.2f}")


def draw_picture(found: list[Trial]) -> Figure:
    figure = Figure(figsize=(11, 6.2), layout="constrained")
    for axes, of, title in zip(figure.subplots(1, 2), ("same", "anew"), ("same weights", "made anew")):
        axes.axline((0, 0), slope=1, color=SILVER, linewidth=0.8)
        for kind, (colour, marker) in STYLES.items():
            those = [one for one in found if one.change == kind]
            places = [[getattr(one, side) for one in those] for side in (of, "predicted")]
            axes.scatter(*places, color=colour, marker=marker, s=26, alpha=0.8, linewidths=0, label=kind)
        axes.set_title(f"{title}; error (root mean square, worst): {sizes(found, of)} decades", fontsize=10)
        axes.set(xlabel="measured change, decades", ylabel="predicted change, decades", aspect="equal")
    figure.axes[0].legend(loc="upper left", frameon=False, fontsize=9)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    torch.set_num_threads(1)
    if anyinit is None:
        print("AnyInit is not installed here: the other changes are tried without it (make .venv-peers/ready has it).")
    batch, found = digits(batch=16), []
    bar = tqdm([(name, seed) for name in NETWORKS for seed in range(parser.parse_args().seeds)], disable=None)
    for name, seed in bar:
        bar.set_description(name)
        found += trials(name, seed, batch)
    print_changes(found)
    print_errors(found)
    draw_picture(found).savefig(PICTURES / "remedies.png", dpi=130)


if __name__ == "__main__":
    main()
