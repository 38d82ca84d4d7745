"""The gradient of every layer's weights against its depth, at four phases of training, one panel an arm."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gradflow.analysis.profiles import side
from gradflow.analysis.statistics import estimate_mean
from gradflow.analysis.verdicts import run_sizes
from gradflow.colours import GREY
from gradflow.labels import SHOWN_PHASES
from gradflow.recorder.quantities import LABELS
from gradflow.report.figures import report_figure
from gradflow.report.figures._findings import dead_or_alive
from gradflow.report.figures.style import PHASE_COLOURS, first_of_rows, headed, legend_below, log_axis, panels, title
from gradflow.report.wording import power

QUANTITY = "weight_grad_norm"


@report_figure("Weight gradient against depth", category="studies", studies=("vgg_depth", "skip"))
def draw(study, thresholds: dict[str, float]) -> Figure:
    """Draw each arm's norm of every layer at each phase, geometric mean over seeds, 95 % interval.

    The sizes of the first and the last layer at init are written above them; below the dashed line the first layer's
    update at init is dead. A layer whose gradient is zero or not finite in a seed has no logarithm and is drawn from
    the other seeds.
    """
    figure, axes = panels(len(study.labels), sharey=True)
    table = study.profiles[(study.profiles["quantity"] == QUANTITY) & (study.profiles["depth"] >= 0)]
    relative, words, means = run_sizes(study, "init", thresholds), {}, []
    for axis, label in zip(axes, study.labels):
        arm = table[table["label"] == label]
        bands = {name: _band(axis, arm[arm["phase"] == phase], phase) for phase, name in SHOWN_PHASES.items()}
        means += [value for band in bands.values() for value in band]
        size = estimate_mean(study.by_seed(relative, label))
        words[label] = (side(size, 0, 0, ("dead", "alive", "alive")) if size.n else "", np.nan)
        if bands["at init"]:
            first = np.log10(bands["at init"][0])
            words[label] = (words[label][0], first)
            means += _dead_below(axis, first - size.middle)
        log_axis(axis)
        title(axis, label, "; ".join(filter(None, [_ends(bands["at init"]), study.no_end(label)])))
        axis.set_xlabel("layer, in forward order")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if means:  # wide intervals must not flatten the profiles: the axis shows the means and two decades around them
        axes[0].set_ylim(min(means) / 100, max(means) * 100)
    for axis in first_of_rows(axes):
        axis.set_ylabel(LABELS[QUANTITY])
    most = table.groupby(["label", "phase"])["run"].nunique().groupby("phase").max()
    counts = [f"{SHOWN_PHASES[phase]} {most.get(phase, 0)}" for phase in ("init", "end")]
    over = f"geometric mean and 95 % interval; random seeds {', '.join(counts)}"
    headed(figure, study.title, dead_or_alive(words), over)
    legend_below(figure, axes[0], columns=5)
    return figure


def _band(axis, table, phase: str) -> list[float]:
    """Draw a profile with its interval and return the means."""
    grouped = [
        (depth, estimate_mean(np.log10(values)))
        for depth, values in table[(table["value"] > 0) & np.isfinite(table["value"])].groupby("depth")["value"]
    ]
    depth = [d + 1 for d, _ in grouped]  # people count from 1
    mean, low, high = (10 ** np.array([getattr(i, part) for _, i in grouped]) for part in ("value", "low", "high"))
    axis.plot(depth, mean, color=PHASE_COLOURS[phase], label=SHOWN_PHASES[phase], marker="o", ms=2.5)
    axis.fill_between(depth, low, high, color=PHASE_COLOURS[phase], alpha=0.2, lw=0)
    return list(mean)


def _ends(means: list[float]) -> str:
    """Say the sizes of the first and the last layer."""
    return " … ".join(["at init " + power(np.log10(means[0])), power(np.log10(means[-1]))]) if means else ""


def _dead_below(axis, size: float) -> list[float]:
    """Draw where the first layer is dead, if that is known, and return it; size: log10 of it, or NaN."""
    if not np.isfinite(size):
        return []
    axis.axhline(10**size, color=GREY, lw=1, ls="--", label="dead below")
    return [10**size]
