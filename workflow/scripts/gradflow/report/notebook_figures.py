"""The pictures that only the notebook has, drawn into its page in the page's own ink."""

import numpy as np
from matplotlib.figure import Figure

from gradflow.analysis.what_helps import EXPLODING, HEALTHY, VANISHING, InitialArm
from gradflow.colours import BLUE, ORANGE, VERMILLION
from gradflow.report.summary_figures import FAINT, INK, SMALL, page_drawing, page_element

COLOURS = {VANISHING: VERMILLION, HEALTHY: BLUE, EXPLODING: ORANGE}
MARKS = {VANISHING: "v", HEALTHY: "o", EXPLODING: "^"}


def where_figure(networks: list[InitialArm], thresholds: dict, alt: str) -> str:
    """Draw the decades at init of each network, lowest first, with their intervals, as an SVG element."""
    shown = sorted(_measured(networks), key=lambda arm: arm.decades.middle)
    with page_drawing("where"):
        figure = Figure(figsize=(6.2, 0.17 * len(shown) + 0.6), layout="constrained")
        axis = figure.subplots()
        axis.axvspan(thresholds["vanishing_below"], thresholds["exploding_above"], color=BLUE, alpha=0.12, lw=0)
        axis.axvline(0, color=FAINT, lw=0.8)
        for row, arm in enumerate(shown):
            colour = COLOURS.get(arm.profile, FAINT)
            axis.plot([arm.decades.low, arm.decades.high], [row, row], color=colour, lw=1.5)
            axis.plot(arm.decades.middle, row, MARKS.get(arm.profile, "s"), ms=4.5, color=colour)
        axis.set_yticks(range(len(shown)), [arm.label for arm in shown], fontsize=SMALL - 0.5)
        axis.tick_params(axis="y", length=0)
        axis.set_ylim(len(shown) - 0.4, -0.6)
        axis.set_xlabel("decades at init, first layer over last (shaded: in bounds)")
        return page_element(figure, alt)


def prediction_figure(networks: list[InitialArm], alt: str) -> str:
    """Draw measured against predicted decades at init, a point a network and random seed, as an SVG element."""
    with page_drawing("prediction"):
        figure = Figure(figsize=(6.2, 3.6), layout="constrained")
        axis = figure.subplots()
        ends = []
        for arm in networks:
            rows = predicted_rows(arm)
            axis.plot(rows["predicted"], rows["measured"], MARKS.get(arm.profile, "s"), ms=4, mew=0.8, mfc="none",
                      color=COLOURS.get(arm.profile, FAINT))  # fmt: skip
            ends += [*rows["predicted"], *rows["measured"]]
        if ends:
            axis.plot([min(ends), max(ends)], [min(ends), max(ends)], color=INK, lw=0.6)
        axis.set_xlabel("predicted decades, from one forward pass")
        axis.set_ylabel("measured")
        return page_element(figure, alt)


def predicted_rows(arm: InitialArm):
    """Return the rows of an arm's theory that have a prediction and a measurement."""
    rows = arm.study.theory[arm.study.theory["label"] == arm.label]
    return rows[np.isfinite(rows["predicted"]) & np.isfinite(rows["measured"])]


def _measured(networks: list[InitialArm]) -> list[InitialArm]:
    return [arm for arm in networks if np.isfinite(arm.decades.middle)]
