"""What each arm of a study changes against its baseline, quantity by quantity."""

from matplotlib.figure import Figure

from gradflow.analysis.ablations import Effect, ablation_effects, without_end
from gradflow.colours import BLUE, GREY
from gradflow.report.figures import report_figure
from gradflow.report.figures._findings import what_changes
from gradflow.report.figures.style import headed

UNITS = {
    "decades at init": "decades, first layer over last",
    "decades at the end": "decades, first layer over last",
    "test accuracy": "share of the test images",
}


@report_figure("What each change does", category="helps", studies=("skip", "batch_norm", "init", "activation"))
def draw(study) -> Figure:
    """Draw a panel a quantity: each arm's difference from its baseline with its 95 % interval.

    Filled: significant after the correction for several comparisons; hollow: not. Two arms that begin alike have no
    difference at init: they say so there, and where all do there is no such panel.
    """
    found = ablation_effects(study)
    starts = study.arms.drop_duplicates("label").set_index("label")["start"]
    alike = [starts[effect.label] == starts[effect.baseline] for effect in found["decades at init"]]
    rows = len(alike)
    if not rows:
        figure = Figure(figsize=(7, 1.5), layout="constrained")
        figure.text(0.5, 0.5, f"{study.title}: no two arms differ in one thing alone.", ha="center")
        return figure
    judged = {
        name: [None if name == "decades at init" and same else effect for effect, same in zip(effects, alike)]
        for name, effects in found.items()
    }
    shown = {name: effects for name, effects in judged.items() if any(effects)}
    figure = Figure(figsize=(11, 0.5 * rows + 2.1), layout="constrained")
    axes = figure.subplots(1, len(shown), sharey=True)
    for axis, (name, effects) in zip(axes, shown.items()):
        for row, effect in enumerate(effects):
            _point(axis, row, effect, study)
        axis.axvline(0, color=GREY, lw=1)
        axis.set_title(f"change of {name}")
        axis.set_xlabel(UNITS[name])
        axis.set_ylim(rows - 0.5, -0.5)
    first = found["decades at init"]
    axes[0].set_yticks(range(rows), [f"{effect.label}\nagainst {effect.baseline}" for effect in first], fontsize=8)
    said = what_changes({name: [one for one in effects if one] for name, effects in shown.items()})
    headed(figure, study.title, said, "same random seeds; 95 % interval; filled: significant")
    return figure


def _point(axis, row: int, effect: Effect | None, study) -> None:
    """Draw an effect, or say why there is none."""
    said = "" if effect else "begin alike"
    if effect:
        size = effect.difference
        axis.plot([size.low, size.high], [row, row], color=BLUE, lw=2)
        axis.plot(size.value, row, "o", ms=6, color=BLUE, mfc=BLUE if effect.significant else "white")
        said = "" if size.n or size.lost else without_end(study, effect)
    if said:
        note = {"ha": "center", "va": "center", "fontsize": 7, "color": GREY, "backgroundcolor": "white"}
        axis.text(0.5, row, said, transform=axis.get_yaxis_transform(), **note)
