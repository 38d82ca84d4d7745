"""The picture of an explanation: the profile, measured and predicted, and the causes. It needs matplotlib."""

import numpy as np
from matplotlib.figure import Figure

from gradflow.causes import CAUSES
from gradflow.colours import BLACK, BLUE, FOREST, GREEN, GREY, INDIGO, ORANGE, PURPLE, SILVER, SKY, VERMILLION, YELLOW
from gradflow.propagation.explanation import Explanation

COLOURS = dict(
    zip(
        CAUSES, (VERMILLION, BLUE, ORANGE, YELLOW, GREEN, PURPLE, SKY, INDIGO, FOREST, SILVER, GREY, BLACK), strict=True
    )
)
NAMES_SHOWN = 24


def draw_explanation(one: Explanation) -> Figure:
    """Draw each layer's gradient, measured and predicted, and the decades that each cause adds; return the figure."""
    figure = Figure(figsize=(11, 5), layout="constrained")
    profile, causes = figure.subplots(1, 2, width_ratios=(3, 2))
    place = np.arange(len(one.layers))
    measured, low, high, predicted = (
        np.array([getattr(layer, name) for layer in one.layers], dtype=float)
        for name in ("measured", "low", "high", "predicted")
    )
    positive = lambda values: np.where(values > 0, values, np.nan)  # noqa: E731
    if one.seeds > 1:
        label = f"measured, range of {one.seeds} random seeds"
        profile.fill_between(place, positive(low), positive(high), color=SKY, alpha=0.3, label=label)
    profile.plot(place, positive(measured), "o", color=BLUE, markersize=4, label="measured")
    profile.plot(place, positive(predicted), color=VERMILLION, linewidth=1, label="predicted from the forward pass")
    spread = np.array([np.nan if layer.spread is None else layer.spread for layer in one.layers])
    if np.nanmax(spread) > 0:
        on_path, reach = np.isfinite(spread) & (predicted > 0), 10 ** (2 * np.nan_to_num(spread))
        band = {"facecolor": "none", "edgecolor": VERMILLION, "alpha": 0.4, "hatch": "////", "lw": 0}
        low, high = ((predicted * factor)[on_path] for factor in (1 / reach, reach))
        profile.fill_between(place[on_path], low, high, **band, label="± 2 standard deviations of finite width")
    profile.set(yscale="log", xlabel="layer, from the input", ylabel="activation gradient a sample (L2 norm)")
    shown = place[:: max(1, -(-len(place) // NAMES_SHOWN))]
    profile.set_xticks(shown, [one.layers[i].name.replace("$", r"\$") for i in shown], rotation=90, fontsize=7)
    profile.legend(fontsize=8)
    profile.set_title(one.verdict, fontsize=10)
    told = [cause for cause in CAUSES if abs(one.decades[cause]) >= 0.005]
    values = [one.decades[cause] for cause in told]
    causes.barh(told, values, color=[COLOURS[cause] for cause in told])
    causes.axvline(0, color=BLACK, linewidth=0.8)
    for row, value in enumerate(values):
        causes.annotate(
            f"{value:+.2f}", (max(value, 0), row), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8
        )
    causes.margins(x=0.18)
    causes.invert_yaxis()
    causes.set_xlabel("decades that each cause adds, last layer to first")
    causes.set_title(
        f"predicted {one.decades['predicted']:+.2f}, measured {one.decades['measured']:+.2f}, "
        f"residual {one.decades['residual']:+.2f}",
        fontsize=10,
    )
    return figure
