"""Norm against depth at four phases of training, and its summary in decades."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gradflow.analysis.statistics import estimate_mean
from gradflow.colours import GREY
from gradflow.labels import PHASES
from gradflow.recorder.quantities import LABELS
from gradflow.report.figures import study_figure
from gradflow.report.figures.style import PHASE_COLOURS, first_of_rows, legend_below, log_axis, panels, title, wrapped


@study_figure("profile_activation", title="Activation gradient against depth")
def activation_profiles(study, context) -> Figure:
    """Draw the activation gradient of every layer (`depth_profiles`)."""
    return depth_profiles(study, "grad_sample_norm")


@study_figure("profile_weight", title="Weight gradient against depth")
def weight_gradient_profiles(study, context) -> Figure:
    """Draw the gradient of every layer's weights (`depth_profiles`)."""
    return depth_profiles(study, "weight_grad_norm")


def depth_profiles(study, quantity: str) -> Figure:
    """Draw one panel an arm: the norm of every layer at each phase, geometric mean over seeds, 95 % interval.

    A layer whose gradient is zero or not finite in a seed has no logarithm and is drawn from the other seeds.
    """
    figure, axes = panels(len(study.labels), sharey=True)
    table = study.profiles[(study.profiles["quantity"] == quantity) & (study.profiles["depth"] >= 0)]
    means: list[float] = []
    for axis, label in zip(axes, study.labels):
        arm = table[table["label"] == label]
        for phase, name in PHASES.items():
            means += _band(axis, arm[arm["phase"] == phase], PHASE_COLOURS[phase], name)
        log_axis(axis)
        title(axis, label)
        axis.set_xlabel("layer, in forward order")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if means:  # wide intervals must not flatten the profiles: the axis shows the means and two decades around them
        axes[0].set_ylim(min(means) / 100, max(means) * 100)
    for axis in first_of_rows(axes):
        axis.set_ylabel(wrapped(LABELS[quantity]))
    runs = table.groupby(["label", "phase"])["run"].nunique()
    counts = [f"{PHASES[phase]} {runs.xs(phase, level='phase').max()}" for phase in ("init", "end")]
    over = f"geometric mean and 95 % interval; random seeds {', '.join(counts)}"
    figure.suptitle(f"{study.title}: {LABELS[quantity].split(',')[0]} against depth\n({over})")
    legend_below(figure, axes[0])
    return figure


@study_figure("decades", title="Verdict in decades")
def decades_figure(study, context) -> Figure:
    """Draw each arm's decades, first layer over last, at each phase, with intervals and the verdicts' thresholds."""
    table = study.decades()
    labels = study.labels
    figure = Figure(figsize=(9, 0.55 * len(labels) + 2.0), layout="constrained")
    axis = figure.subplots()
    finite = [bound for value in table.values() for bound in (value.low, value.high, value.value) if np.isfinite(bound)]
    below, above = context.thresholds["vanishing_below"], context.thresholds["exploding_above"]
    low, high = min([below - 1, *finite]) - 0.5, max([above + 1, *finite]) + 0.5
    axis.axvspan(low, below, color="#D55E00", alpha=0.10, lw=0)
    axis.axvspan(above, high, color="#CC79A7", alpha=0.14, lw=0)
    for (label, phase), value in table.items():
        row = labels.index(label) + 0.16 * (list(PHASES).index(phase) - 1.5)
        if np.isfinite(value.low):
            axis.plot([value.low, value.high], [row, row], color=PHASE_COLOURS[phase], lw=2.2, solid_capstyle="butt")
        name = PHASES[phase] if label == labels[0] else None
        axis.plot(value.value, row, "o", ms=5, color=PHASE_COLOURS[phase], label=name, mec="white", mew=0.6)
        if value.lost:
            note = f"{value.lost} of {value.lost + value.n} seeds not finite {PHASES[phase]}"
            axis.text(high, row, note, ha="right", va="center", fontsize=7, color=PHASE_COLOURS[phase])
    axis.set_yticks(range(len(labels)), labels)
    axis.set_ylim(len(labels) - 0.4, -0.6)
    axis.set_xlim(low, high)
    axis.axvline(0, color=GREY, lw=0.8)
    for x, name in ((low, "vanishing"), (0, "healthy"), (high, "exploding")):
        align = {low: "left", 0: "center", high: "right"}[x]
        axis.text(x, -0.68, name, ha=align, va="bottom", color=GREY)
    axis.set_xlabel("decades of the activation gradient,\nfirst layer over last (95 % interval over seeds)")
    axis.set_title(study.title, pad=24)
    legend_below(figure, axis)
    return figure


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
