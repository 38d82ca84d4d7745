"""The activation gradient of every layer over the last layer's, at initialisation, all networks in one panel."""

import math

import numpy as np
from matplotlib.figure import Figure

from gradflow.analysis.statistics import estimate_mean
from gradflow.colours import BLACK, GREY
from gradflow.report.figures import report_figure
from gradflow.report.figures._findings import what_arrives
from gradflow.report.figures._way_back import label_ends, predicted_way_back, way_back
from gradflow.report.figures.style import arm_styles, headed, means_over, whole_ticks
from gradflow.report.wording import power_of_ten

TOGETHER = 8  # lines in a panel that can be told apart


@report_figure("Activation gradient against depth", category=None)
def draw(study) -> Figure:
    """Draw a line a network, from the last layer to the first: mean and 95 % interval over random seeds; thin: theory.

    Arms that begin alike are one network. A layer whose gradient is zero or not finite in a seed has no logarithm and
    is drawn from the other seeds.
    """
    networks = _networks(study)
    logs = {label: way_back(study, arm) for label, arm in networks.items()}
    rows = math.ceil(len(networks) / TOGETHER)
    figure = Figure(figsize=(9, 3.6 * rows + 0.9), layout="constrained")
    axes = figure.subplots(rows, sharex=True, sharey=True, squeeze=False).ravel()
    styles, ends, means = arm_styles(study), [], [0.0]
    for number, (label, arm) in enumerate(networks.items()):
        axis, style = axes[number * rows // len(networks)], styles[arm]
        found = [estimate_mean(values.dropna()) for _, values in logs[label].iterrows()]
        mean, low, high = (np.array([getattr(one, part) for one in found]) for part in ("value", "low", "high"))
        x, theory = np.linspace(1, 0, len(found)), predicted_way_back(study, arm).mean(axis=1)
        axis.fill_between(x, low, high, color=style["color"], alpha=0.2, lw=0)
        axis.plot(x, mean, lw=2.2, **style)
        axis.plot(np.linspace(1, 0, len(theory)), theory, color=BLACK, lw=0.6)
        means += list(mean[np.isfinite(mean)])
        if len(mean) > 1 and np.isfinite(mean[0]):
            ends.append((axis, (mean[0], label, style["color"])))
    _scales(axes, means, _common_layers(study, networks))
    for axis in axes:
        axis.set_ylabel("gradient over the last layer's")
        label_ends(axis, [end for its, end in ends if its is axis], size=8, apart=0.085)
    seeds = max((len(table.columns) for table in logs.values()), default=0)
    over = means_over(seeds, "mean and 95 % interval")
    headed(
        figure, study.title, what_arrives([(label, value) for _, (value, label, _) in ends]), f"{over}; thin: theory"
    )
    return figure


def _networks(study) -> dict[str, str]:
    """{what its arms' labels share: the first of them} of each network: arms that begin alike are one at init."""
    starts = study.arms.drop_duplicates("label").groupby("start", sort=False)["label"].agg(list)
    parts = [[label.split(", ") for label in labels] for labels in starts]
    shared = [", ".join(part for part in some[0] if all(part in other for other in some)) for some in parts]
    alone = [label if label and shared.count(label) == 1 else " = ".join(its) for label, its in zip(shared, starts)]
    return {label: its[0] for label, its in zip(alone, starts)}


def _common_layers(study, networks: dict[str, str]) -> int:
    """How many layers the main path of all networks has; 0 if they are not the same ones."""
    paths = {tuple(n for n in study.layer_names(arm) if n not in study.beside(arm)) for arm in networks.values()}
    return len(paths.pop()) if len(paths) == 1 else 0


def _scales(axes, means: list[float], layers: int) -> None:
    """Number the layers, backwards, if all networks have the same, and set whole decades: the means and one around."""
    axes[0].set_xlim(0, 1)
    last = axes[-1]
    if layers > 1:
        ticks = [layer for layer in whole_ticks(1, layers) if 1 + layers / 12 < layer < layers - layers / 12]
        ticks = [1, *ticks, layers]
        last.set_xticks([(layers - layer) / (layers - 1) for layer in ticks], ticks)
        last.set_xlabel("layer: the gradient's way back, from the last to the first")
    else:
        last.set_xticks([0, 1], ["last layer", "first layer"])
    axes[0].set_ylim(min(means) - 1, max(means) + 1)
    axes[0].set_yticks(whole_ticks(*axes[0].get_ylim()))
    axes[0].yaxis.set_major_formatter(lambda value, _: power_of_ten(round(value)))
    for axis in axes:
        axis.axhline(0, color=GREY, lw=0.8)
