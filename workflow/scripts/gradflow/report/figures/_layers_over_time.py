"""The norm of layers over training time, one panel an arm."""

import numpy as np
from matplotlib.figure import Figure

from gradflow.recorder.quantities import LABELS
from gradflow.report.figures.style import (
    depth_colours,
    first_of_rows,
    in_legend,
    legend_below,
    log_axis,
    panels,
    title,
    wrapped,
)


def layers_over_time(study, layers: dict[str, list[str]] | None = None, quantity: str = "grad_sample_norm") -> Figure:
    """Draw one panel an arm: each layer's mean norm over time, the geometric mean over seeds.

    layers: names by architecture to draw and to name, as `StudyTables.named_layers` takes them; None draws every layer,
    first (dark) to last (light).
    """
    table = study.layers[study.layers["depth"] >= 0]
    figure, axes = panels(len(study.labels), sharey=True)
    shared = study.arms["architecture"].nunique() == 1  # the same layers in every panel: one legend for all
    for axis, label in zip(axes, study.labels):
        arm = table[table["label"] == label]
        if layers is not None:
            arm = arm[arm["layer"].isin(study.named_layers(label, layers))]
        names = [name for name in study.layer_names(label) if name in set(arm["layer"])]
        logs = arm.assign(log=np.log10(arm[quantity].where((arm[quantity] > 0) & np.isfinite(arm[quantity]))))
        lines = logs.pivot_table(index="time", columns="layer", values="log", aggfunc="mean")
        for name, colour in zip(names, depth_colours(len(names))):
            if name in lines:
                axis.plot(
                    lines.index,
                    10 ** lines[name],
                    color=colour,
                    lw=1.0 if layers is None else 1.6,
                    label=in_legend(name),
                )
        log_axis(axis)
        title(axis, label)
        axis.set_xlabel("epoch")
        if layers is not None and not shared:
            axis.legend(fontsize=7, handlelength=1)
    for axis in first_of_rows(axes):
        axis.set_ylabel(wrapped(LABELS[quantity]))
    if layers is not None and shared:
        legend_below(figure, axes[0], columns=6)
    which = "every layer, first (dark) to last (light)" if layers is None else "the named layers"
    figure.suptitle(f"{study.title}: gradient over time,\n{which}")
    return figure
