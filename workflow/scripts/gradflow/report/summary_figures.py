"""The two pictures of the opening page, drawn into the page: in its own ink, so that they follow a dark one."""

import re
from collections import Counter
from html import escape
from io import StringIO

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from gradflow.analysis.what_helps import HELPS, Comparison, InitialArm
from gradflow.colours import BLUE, ORANGE, SKY, VERMILLION
from gradflow.report.figures._way_back import label_ends, predicted_way_back, way_back
from gradflow.report.figures.style import STYLE as HOUSE
from gradflow.report.figures.style import whole_ticks
from gradflow.report.wording import power_of_ten

INK, PAPER, FAINT = "#010203", "#fefdfc", "#7f7e7d"  # what stands for the page's own colours in what matplotlib writes
OF_THE_PAGE = {INK: "currentColor", PAPER: "var(--paper)", FAINT: "var(--faint)"}
FONT, SMALL = 9, 8  # points; a picture is 374 of them wide, as wide as a phone
NETWORKS = 3  # in the first picture, each before and after
OF_A_KIND = 2  # comparisons of one remedy in the second
COLOURS = (VERMILLION, BLUE, ORANGE, SKY)
STYLE = {
    "font.size": FONT,
    "text.parse_math": False,  # labels are people's own: a $ is a $
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.edgecolor": FAINT,
    "grid.color": FAINT,
    "grid.alpha": 0.3,
    "axes.labelsize": FONT,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "axes.titlesize": FONT,
}


def starts_shown(found: list[Comparison], arms: list[InitialArm]) -> list[tuple[InitialArm, ...]]:
    """Return the networks of the first picture: before and after another start, or as they are where none has one.

    One of each architecture, the worst first: of an initialisation or skip connections, else of any remedy.
    """
    starts = [one for one in found if one.settings in (("init",), ("skip",))] or found
    pairs = [(one.before, one.after) for one in sorted(starts, key=lambda one: one.before.decades.middle)]
    alone = sorted(arms, key=lambda arm: -abs(arm.decades.middle))
    chosen = {}
    for some in pairs or [(arm,) for arm in alone if np.isfinite(arm.decades.middle)]:
        chosen.setdefault(some[0].study.architecture(some[0].label), some)
    return list(chosen.values())[:NETWORKS]


def helps_shown(found: list[Comparison]) -> list[Comparison]:
    """Return the comparisons of the second picture: a few of each remedy, of different networks where there are any."""
    times, ranked = Counter(), []
    for one in found:
        ranked.append((times[one.settings, one.before.runs], one))
        times[one.settings, one.before.runs] += 1
    kept, counts = set(), Counter()
    for _, one in sorted(ranked, key=lambda pair: pair[0]):
        if counts[one.settings] < OF_A_KIND:
            kept.add(id(one))
            counts[one.settings] += 1
    return [one for one in found if id(one) in kept]


def profiles_figure(shown: list[tuple[InitialArm, ...]], alt: str) -> str:
    """Draw the gradient of every layer over the last's, from the last to the first, as an SVG element.

    Mean of the logarithm and range over random seeds; the thin line is the prediction of the theory.
    """
    with page_drawing("profiles"):
        figure = Figure(figsize=(5.2, 3.3), layout="constrained")
        axis = figure.subplots()
        ends = []
        for colour, pair in zip(COLOURS, shown):
            for number, arm in enumerate(pair):
                logs, theory = way_back(arm.study, arm.label), predicted_way_back(arm.study, arm.label).mean(axis=1)
                x, mean = np.linspace(1, 0, len(logs)), logs.mean(axis=1).to_numpy()
                axis.fill_between(x, logs.min(axis=1), logs.max(axis=1), color=colour, alpha=0.18, lw=0)
                axis.plot(x, mean, color=colour, lw=2.2, ls="-" if number or len(pair) == 1 else (0, (4, 2)))
                axis.plot(np.linspace(1, 0, len(theory)), theory, color=INK, lw=0.5)
                ends += [(mean[0], arm.label, colour)] if len(mean) and np.isfinite(mean[0]) else []
        low, high = axis.get_ylim()
        axis.set_ylim(min(low, -1), max(high, 1))
        label_ends(axis, ends, SMALL)
        axis.axhline(0, color=FAINT, lw=0.8)
        axis.set_xlim(0, 1)
        axis.set_xticks([0, 0.5, 1], ["last layer", "half way back", "first layer"])
        for text, side in zip(axis.get_xticklabels(), ("left", "center", "right")):
            text.set_horizontalalignment(side)
        axis.set_yticks(whole_ticks(*axis.get_ylim()))
        axis.yaxis.set_major_formatter(lambda value, _: power_of_ten(round(value)))
        axis.set_ylabel("gradient over the last layer's")
        return page_element(figure, alt)


def helps_figure(shown: list[Comparison], thresholds: dict, alt: str) -> str:
    """Draw decades at init before and after each change, with the test accuracies at the right, as an SVG element."""
    with page_drawing("helps"):
        figure = Figure(figsize=(5.2, 0.27 * max(len(shown), 3) + 0.6), layout="constrained")
        axis = figure.subplots()
        ends = [value for one in shown for value in (one.before.decades.middle, one.after.decades.middle)]
        below, above = thresholds["vanishing_below"], thresholds["exploding_above"]
        finite = [value for value in ends if np.isfinite(value)]
        low, high = min([below - 1, *finite]) - 1, max([above + 1, *finite]) + 1
        axis.axvspan(below, above, color=BLUE, alpha=0.12, lw=0)
        for row, one in enumerate(shown):
            before, after = (np.clip(arm.decades.middle, low, high) for arm in (one.before, one.after))
            colour = BLUE if one.verdict == HELPS else VERMILLION
            axis.annotate("", (after, row), (before, row), arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.6})
            axis.plot(before, row, "o", ms=5, color=PAPER, mec=colour, mew=1.4)
            at = {"transform": axis.get_yaxis_transform(), "fontsize": SMALL}
            accuracies = " → ".join(_in_hundredths(arm.accuracy.value) for arm in (one.before, one.after))
            for x, side, upper, lower in (
                (-0.02, "right", one.change, one.network),
                (1.02, "left", accuracies, one.verdict),
            ):
                axis.text(x, row - 0.2, upper, ha=side, va="center", **at)
                axis.text(x, row + 0.2, lower, ha=side, va="center", color=FAINT, **at)
        axis.set_yticks([])
        axis.set_ylim(max(len(shown), 3) - 0.4, -0.6)
        axis.set_xlim(low, high)
        axis.set_xticks(whole_ticks(low, high))
        axis.set_xlabel("decades at init, first layer over last")
        axis.text(1.02, 1.0, "test accuracy", transform=axis.transAxes, ha="left", va="bottom", fontsize=SMALL)
        axis.text((below + above) / 2, 1.0, "in bounds", transform=axis.get_xaxis_transform(), ha="center", va="bottom",
                  fontsize=SMALL, color=FAINT)  # fmt: skip
        return page_element(figure, alt)


def _in_hundredths(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "–"


def page_drawing(name: str):
    """The house style in the page's own colours; ids differ from picture to picture, as they share a page."""
    return matplotlib.rc_context(HOUSE | STYLE | {"svg.hashsalt": name})


def page_element(figure: Figure, alt: str) -> str:
    """Return a drawn figure as an element of a page, whose lines are short, with what it shows as its name."""
    stream = StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<(metadata|style)\b.*?</\1>\s*", "", text, flags=re.DOTALL)
    text = re.sub(
        r' id="(?:figure|patch|axes|matplotlib|text|line2d|xtick|ytick|[A-Za-z]+Collection)[._]\w*"', "", text
    )
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    for mark, own in OF_THE_PAGE.items():
        text = text.replace(mark, own)
    text = re.sub(r"(?<=<svg)[^>]*", lambda tag: re.sub(r' (?:width|height)="[^"]*"', "", tag[0]), text, count=1)
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1)
