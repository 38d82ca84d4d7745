"""The picture of a recording: a quantity against depth, and over time. It needs matplotlib."""

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from gradflow.errors import GradflowError
from gradflow.recorder.quantities import LABELS
from gradflow.recorder.recording import Recording


def draw_recording(one: Recording, quantity: str) -> Figure:
    """Draw the quantity against depth, and as a heatmap of step and layer; return the matplotlib figure.

    Layers that have no such quantity, because their weight is used through a fused function, are left out.

    Raises GradflowError for a quantity that was not recorded, and if no layer has it.
    """
    if quantity not in one.norms:
        raise GradflowError(f"plot: {quantity!r} was not recorded; there are {', '.join(one.norms)}.")
    values = np.where(one.norms[quantity] > 0, one.norms[quantity], np.nan).astype(float)
    ran = np.isfinite(values).any(axis=0) if len(values) else np.zeros(len(one.table), bool)
    if not ran.any():
        raise GradflowError(f"plot: no layer has {quantity!r} above zero, in {len(values)} rows.")
    values, names = values[:, ran], np.array([name.replace("$", r"\$") for name in one.layers])[ran]  # no formulas
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    profile, heatmap = figure.subplots(1, 2)
    place = np.arange(len(names))
    with np.errstate(all="ignore"):
        low, middle, high = np.nanpercentile(values, (5, 50, 95), axis=0)
    profile.fill_between(place, low, high, color="#56B4E9", alpha=0.3, label="5–95 % of the steps")
    profile.plot(place, values[0], color="#999999", marker=".", label=f"step {one.steps[0]}")
    profile.plot(place, middle, color="#0072B2", marker="o", label="median of the steps")
    profile.set(yscale="log", xlabel="layer, from the input", ylabel=LABELS.get(quantity, quantity))
    shown = place[:: max(1, len(place) // 20)]
    profile.set_xticks(shown, names[shown], rotation=90, fontsize=7)
    profile.legend(fontsize=8)
    bounds = np.nanmin(values), np.nanmax(values)
    colours = LogNorm(*bounds) if bounds[0] < bounds[1] else None
    image = heatmap.imshow(values.T, aspect="auto", norm=colours, cmap="viridis", interpolation="nearest")
    heatmap.set(xlabel="row of the recording", ylabel="")
    heatmap.set_yticks(shown, names[shown], fontsize=7)
    figure.colorbar(image, label=LABELS.get(quantity, quantity))
    return figure
