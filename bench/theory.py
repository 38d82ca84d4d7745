"""docs/theory.md's tables and pictures: gradients measured, predicted, predicted from choices alone, split by cause.

    python bench/theory.py [--seeds 8]

Digits of scikit-learn at 32 px, 32 of the training split; width ¼ (CIFAR ResNet-56 ½); MLPs of 16 layers and width 128
on the same pixels. Means over random seeds, each of which draws the network anew. Six to eight minutes of one core.
"""

import argparse

import numpy as np
import torch
from matplotlib.figure import Figure
from networks import PICTURES, digits, number, rows, without_zero
from tqdm import tqdm

from gradflow import explain
from gradflow.colours import BLACK, BLUE, GREEN, SILVER, VERMILLION
from gradflow.propagation.picture import COLOURS

SHOWN = 0.005  # decades of a cause that a table and a picture show
FAMILIES = {"MLP": BLUE, "VGG": VERMILLION, "ResNet": GREEN}
PREDICTIONS = {"predicted": "o", "pure": "D"}
DECOMPOSED = (
    "VGG-19 default",
    "VGG-19 He",
    "VGG-Deep He, ReLU",
    "VGG-Deep He, sigmoid",
    "ResNet-50, skip",
    "ResNet-50, plain",
    "ResNet-50 without batch norm, skip",
    "ResNet-50 without batch norm, plain",
)


def explain_all(seeds: int) -> dict:
    """{row: {network: Explanation}}."""
    images, labels = digits(batch=32)
    found: dict = {}
    bar = tqdm([(row, word, builder) for row, those in rows().items() for word, builder in those.items()], disable=None)
    for row, word, builder in bar:
        bar.set_description(f"{row} {word}")
        found.setdefault(row, {})[word] = explain(builder, images, labels, seeds=seeds, remedies=False)
    return found


def by_name(found: dict) -> dict:
    """{network: Explanation}."""
    return {f"{row} {word}".strip(): one for row, those in found.items() for word, one in those.items()}


def layers_off(result) -> str:
    """How far the layers' predicted norms, over the last one's, lie from the measured ones: median and worst."""
    ratios = np.array([layer.predicted / layer.measured for layer in result.layers])
    errors = 100 * abs(ratios / ratios[-1] - 1)
    return without_zero(f"{np.median(errors):.1f} %, {errors.max():.0f} %")


def print_table(found: dict) -> None:
    print("\n| network | measured | predicted | choices alone | layers |\n|---|---|---|---|---|")
    for row, those in found.items():
        cells = [[number(one.decades[of]) for one in those.values()] for of in ("measured", "predicted", "pure")]
        cells = [f"{row} {' / '.join(those)}".strip(), *map(" / ".join, cells)]
        print(f"| {' | '.join(cells)} | {' / '.join(map(layers_off, those.values()))} |")
    print()
    for of in PREDICTIONS:
        errors = np.array([one.decades[of] - one.decades["measured"] for one in by_name(found).values()])
        size, worst = np.sqrt(np.mean(errors**2)), abs(errors).max()
        print(f"{of} over {len(errors)} networks: root mean square error {size:.3f} decades, worst {worst:.2f}")


def causes_of(chosen: dict) -> list[str]:
    return [cause for cause in COLOURS if any(abs(one.decades[cause]) >= SHOWN for one in chosen.values())]


def print_decomposition(chosen: dict) -> None:
    causes = causes_of(chosen)
    print("\n| network | measured | " + " | ".join(causes) + " | residual |\n" + "|---" * (len(causes) + 3) + "|")
    for name, one in chosen.items():
        cells = [number(one.decades[of]) if abs(one.decades[of]) >= SHOWN else "" for of in causes]
        print(
            "| " + " | ".join([name, number(one.decades["measured"]), *cells, number(one.decades["residual"])]) + " |"
        )


def draw_theory(named: dict) -> Figure:
    """Both predictions against measured decades with the diagonal, and beside it each network's errors."""
    figure = Figure(figsize=(12, 6.6), layout="constrained")
    plane, errors = figure.subplots(1, 2, width_ratios=(1.45, 1))
    plane.axline((0, 0), slope=1, color=SILVER, linewidth=0.8)
    errors.axvline(0, color=SILVER, linewidth=0.8)
    for place, (name, one) in enumerate(named.items()):
        colour, measured = next(FAMILIES[family] for family in FAMILIES if family in name), one.decades["measured"]
        for of, marker in PREDICTIONS.items():
            style = {"marker": marker, "edgecolors": colour, "facecolors": "none" if of == "pure" else colour}
            plane.scatter(measured, one.decades[of], s=45 if of == "pure" else 16, zorder=3, **style)
            errors.scatter(one.decades[of] - measured, place, s=28, zorder=3, **style)
    label_theory(plane, errors, list(named))
    return figure


def label_theory(plane, errors, names: list[str]) -> None:
    for family, colour in FAMILIES.items():
        plane.scatter([], [], color=colour, label=family)
    plane.scatter([], [], color=BLACK, label="predicted from the forward pass")
    plane.scatter([], [], marker="D", facecolors="none", edgecolors=BLACK, label="predicted from choices alone")
    plane.legend(loc="upper left", frameon=False)
    plane.set(xlabel="measured decades, first layer over last", ylabel="predicted decades", aspect="equal")
    errors.set_yticks(range(len(names)), names, fontsize=8)
    plane.set_title(f"{len(names)} networks", fontsize=10)
    errors.set_title("their errors", fontsize=10)
    errors.set(xlabel="predicted − measured, decades", ylim=(len(names) - 0.5, -0.5), axisbelow=True)
    errors.grid(axis="y", linewidth=0.3)


def draw_decomposition(chosen: dict) -> Figure:
    """Bars of causes: what takes from the gradient to the left of 0, what gives to the right; measured in black."""
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    axes, place, causes = figure.subplots(), np.arange(len(chosen)), causes_of(chosen)
    ends = {-1: np.zeros(len(chosen)), 1: np.zeros(len(chosen))}
    for cause in causes:
        values = np.array([one.decades[cause] for one in chosen.values()])
        axes.barh(place, values, left=np.where(values < 0, ends[-1], ends[1]), color=COLOURS[cause], label=cause)
        for sign in ends:
            ends[sign] += np.where(values * sign > 0, values, 0)
    measured = np.array([one.decades["measured"] for one in chosen.values()])
    axes.scatter(measured, place, marker="|", s=450, linewidths=3, color=BLACK, label="measured", zorder=3)
    for row, value in enumerate(measured):
        right = max(ends[1][row], value)
        axes.annotate(number(value), (right, row), (8, 0), textcoords="offset points", va="center")
    axes.axvline(0, color=BLACK, linewidth=0.6)
    axes.set_yticks(place, chosen)
    axes.invert_yaxis()
    axes.use_sticky_edges = False
    axes.margins(x=0.1, y=0.03)
    axes.set_xlabel("decades that each cause adds, last layer to first; the number is what was measured")
    figure.legend(ncols=len(causes) + 1, loc="outside upper center", frameon=False, fontsize=9)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=8)
    torch.set_num_threads(1)
    found = explain_all(parser.parse_args().seeds)
    named = by_name(found)
    chosen = {name: named[name] for name in DECOMPOSED}
    print_table(found)
    print_decomposition(chosen)
    draw_theory(named).savefig(PICTURES / "theory.png", dpi=130)
    draw_decomposition(chosen).savefig(PICTURES / "decomposition.png", dpi=130)


if __name__ == "__main__":
    main()
