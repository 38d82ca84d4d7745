"""Log-histograms of gradient norms, one frame an epoch: the notebooks' animation, with a density per decade."""

import numpy as np

from gradflow.report.figures import report_figure
from gradflow.report.figures._animation import Animation
from gradflow.report.figures.style import depth_colours, in_legend, legend_below, panels, title

BINS_PER_DECADE = 5
SEED_SAMPLE = 20


@report_figure("Histograms by epoch, animated", formats=("html", "gif"), category=None, epochs=5)
def draw(study, layers: dict[str, list[str]]) -> Animation:
    """Draw one frame an epoch, a panel an arm: the distribution of the named layers' norms over that epoch's steps.

    layers: names by architecture, as `StudyTables.named_layers` takes them. All seeds' steps are taken together. The y
    axis is a density per decade: the area under a curve, in decades, is 1. Zeros, NaN and Inf have no logarithm: the
    panel counts them.
    """
    chosen = {label: study.named_layers(label, layers) for label in study.labels}
    norms = {label: study.norms(label, "grad_output_norm", chosen[label]) for label in study.labels}
    values = np.concatenate([table["value"].to_numpy() for table in norms.values()])
    positive = np.log10(values[np.isfinite(values) & (values > 0)])
    edges = _edges(positive)
    shared = study.arms["architecture"].nunique() == 1  # the same layers in every panel: one legend for all
    highest = 1 / np.diff(edges)[0]  # every step in one bin
    frames = []
    for epoch in range(max(int(table["epoch"].max()) for table in norms.values()) + 1):
        figure, axes = panels(len(norms), sharex=True, sharey=True, size=(3.6, 2.6))
        for axis, (label, table) in zip(axes, norms.items()):
            present, outside = table[table["epoch"] == epoch], []
            for layer, colour in zip(chosen[label], depth_colours(len(chosen[label]))):
                values = present.loc[present["layer"] == layer, "value"].to_numpy()
                outside += _outside(layer, values)
                axis.stairs(
                    density_per_decade(values, edges), edges, color=colour, label=in_legend(layer), fill=False, lw=1.6
                )
                ticks = seed_sample(values[values > 0])
                axis.plot(np.log10(ticks), np.full(len(ticks), -0.04 * highest), "|", color=colour, ms=5, mew=0.8)
            title(axis, label if len(present) else f"{label} (ended)")
            axis.set_xlabel("log₁₀ ‖∂L/∂z‖ of the batch")
            axis.text(0.98, 0.97, "\n".join(outside), transform=axis.transAxes, ha="right", va="top", fontsize=6)
            if not shared:
                axis.legend(fontsize=7, handlelength=1)
        axes[0].set_ylabel("density per decade")
        axes[0].set_ylim(-0.08 * highest, 1.04 * highest)
        figure.suptitle(
            f"{study.title}: gradient norms in epoch {epoch + 1}\n"
            f"(curves: every step; ticks: {SEED_SAMPLE} of them at random, as the notebooks drew)"
        )
        if shared:
            legend_below(figure, axes[0], columns=6)
        frames.append(figure)
    return Animation(frames, f"{study.title}: {_what_moves(norms, chosen)}")


def _what_moves(norms, chosen: dict[str, list[str]]) -> str:
    """Say how far the first named layer's median norm moves from the first epoch to an arm's last."""
    moves = []
    for label, table in norms.items():
        first = table[(table["layer"] == chosen[label][0]) & (table["value"] > 0) & np.isfinite(table["value"])]
        medians = np.log10(first.groupby("epoch")["value"].median())
        moves += [medians.iloc[-1] - medians.iloc[0]] if len(medians) > 1 else []
    if not moves:
        return "gradient norms by epoch"
    ends = " to ".join(f"{end:+.1f}".replace("-", "−") for end in sorted({round(min(moves), 1), round(max(moves), 1)}))
    return f"over the epochs the first named layer's median gradient moves by {ends} decades"


def seed_sample(values: np.ndarray) -> np.ndarray:
    """Return 20 of an epoch's values at random, as the notebooks drew them, or all if there are fewer; never padded."""
    return np.random.default_rng(0).choice(values, min(SEED_SAMPLE, len(values)), replace=False)


def density_per_decade(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the share of positive finite values per decade in bins with log10 edges; zeros if there are none.

    numpy's density=True on log-spaced bins would be per unit, not per decade, and would lift the left tail.
    """
    logs = np.log10(values[np.isfinite(values) & (values > 0)])
    counts, _ = np.histogram(logs, bins=edges)
    return counts / max(1, len(logs)) / np.diff(edges)


def _outside(layer: str, values: np.ndarray) -> list[str]:
    counts = {"zero": int((values == 0).sum()), "not finite": int((~np.isfinite(values)).sum())}
    return [f"{layer}: {count} {kind}" for kind, count in counts.items() if count]


def _edges(logs: np.ndarray) -> np.ndarray:
    low, high = (np.floor(logs.min()), np.ceil(logs.max())) if len(logs) else (-1, 0)
    bins = int(np.clip((high - low) * BINS_PER_DECADE, 5, 80))
    return np.linspace(low, max(high, low + 1), bins + 1)
