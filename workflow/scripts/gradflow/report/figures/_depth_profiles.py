"""Norm against depth at four phases of training, one panel an arm."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gradflow.analysis.statistics import estimate_mean
from gradflow.colours import VERMILLION
from gradflow.labels import SHOWN_PHASES
from gradflow.recorder.quantities import LABELS
from gradflow.report.figures.style import PHASE_COLOURS, first_of_rows, legend_below, log_axis, panels, title, wrapped


def depth_profiles(study, quantity: str, theory: bool = False) -> Figure:
    """Draw one panel an arm: the norm of every layer at each phase, geometric mean over seeds, 95 % interval.

    A layer whose gradient is zero or not finite in a seed has no logarithm and is drawn from the other seeds. theory:
    whether to lay the prediction at init over it, with twice the spread that finite width leaves from draw to draw.
    """
    figure, axes = panels(len(study.labels), sharey=True)
    table = study.profiles[(study.profiles["quantity"] == quantity) & (study.profiles["depth"] >= 0)]
    means: list[float] = []
    for axis, label in zip(axes, study.labels):
        arm = table[table["label"] == label]
        for phase, name in SHOWN_PHASES.items():
            means += _band(axis, arm[arm["phase"] == phase], PHASE_COLOURS[phase], name)
        if theory:
            _theory(axis, study.theory_layers[study.theory_layers["label"] == label])
        log_axis(axis)
        title(axis, label, study.no_end(label))
        axis.set_xlabel("layer, in forward order")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if means:  # wide intervals must not flatten the profiles: the axis shows the means and two decades around them
        axes[0].set_ylim(min(means) / 100, max(means) * 100)
    for axis in first_of_rows(axes):
        axis.set_ylabel(wrapped(LABELS[quantity]))
    runs = table.groupby(["label", "phase"])["run"].nunique()
    most = runs.groupby("phase").max()
    counts = [f"{SHOWN_PHASES[phase]} {most.get(phase, 0)}" for phase in ("init", "end")]
    over = f"geometric mean and 95 % interval; random seeds {', '.join(counts)}"
    figure.suptitle(f"{study.title}: {LABELS[quantity].split(',')[0]} against depth\n({over})")
    legend_below(figure, axes[0])
    return figure


def _theory(axis, rows) -> None:
    """Draw the predicted profile: a thin line, and a hatched band of two standard deviations."""
    known = rows[np.isfinite(rows["predicted"]) & (rows["predicted"] > 0)]
    if known.empty:
        return
    grouped = known.assign(log=np.log10(known["predicted"])).groupby("depth")[["log", "spread"]].mean()
    depth, line = grouped.index + 1, grouped["log"].to_numpy()
    reach = 2 * grouped["spread"].to_numpy()
    axis.plot(depth, 10**line, color=VERMILLION, lw=1, ls="--", zorder=4, label="predicted at init")
    band = {"facecolor": "none", "edgecolor": VERMILLION, "alpha": 0.35, "hatch": "////", "lw": 0}
    axis.fill_between(depth, 10 ** (line - reach), 10 ** (line + reach), **band, label="± 2 sd of finite width")


def _band(axis, table, colour: str, name: str) -> list[float]:
    """Draw a profile with its interval and return the means."""
    grouped = [
        (depth, estimate_mean(np.log10(values)))
        for depth, values in table[(table["value"] > 0) & np.isfinite(table["value"])].groupby("depth")["value"]
    ]
    depth = [d + 1 for d, _ in grouped]  # people count from 1
    mean, low, high = (10 ** np.array([getattr(i, part) for _, i in grouped]) for part in ("value", "low", "high"))
    axis.plot(depth, mean, color=colour, label=name, marker="o", ms=2.5)
    axis.fill_between(depth, low, high, color=colour, alpha=0.2, lw=0)
    return list(mean)
