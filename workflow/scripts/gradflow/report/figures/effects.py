"""What each arm of a study changes against its baseline, quantity by quantity."""

from matplotlib.figure import Figure

from gradflow.analysis.ablations import ablation_effects, without_end
from gradflow.colours import BLUE, GREY
from gradflow.report.figures import report_figure

UNITS = {
    "decades at init": "decades, first layer over last",
    "decades at the end": "decades, first layer over last",
    "test accuracy": "share of the test images",
}


@report_figure("What each change does", category="helps", studies=("skip", "batch_norm", "init", "activation"))
def draw(study) -> Figure:
    """Draw a panel a quantity: each arm's difference from its baseline with its 95 % interval.

    Filled: significant after the correction for several comparisons; hollow: not.
    """
    found = ablation_effects(study)
    rows = len(next(iter(found.values())))
    if not rows:
        figure = Figure(figsize=(7, 1.5), layout="constrained")
        figure.text(0.5, 0.5, f"{study.title}: no two arms differ in one thing alone.", ha="center")
        return figure
    figure = Figure(figsize=(11, 0.5 * rows + 1.9), layout="constrained")
    axes = figure.subplots(1, len(found), sharey=True)
    for axis, (name, effects) in zip(axes, found.items()):
        for row, effect in enumerate(effects):
            size = effect.difference
            axis.plot([size.low, size.high], [row, row], color=BLUE, lw=2)
            face = BLUE if effect.significant else "white"
            axis.plot(size.value, row, "o", ms=6, color=BLUE, mfc=face)
            if not (size.n or size.lost):
                note = {"ha": "center", "va": "center", "fontsize": 7, "color": GREY, "backgroundcolor": "white"}
                axis.text(0.5, row, without_end(study, effect), transform=axis.get_yaxis_transform(), **note)
        axis.axvline(0, color=GREY, lw=1)
        axis.set_title(f"change of {name}")
        axis.set_xlabel(UNITS[name])
        axis.set_ylim(rows - 0.5, -0.5)
    first = next(iter(found.values()))
    axes[0].set_yticks(range(rows), [f"{effect.label}\nagainst {effect.baseline}" for effect in first], fontsize=8)
    figure.suptitle(f"{study.title}: what each change does (same random seeds; filled: significant)")
    return figure
