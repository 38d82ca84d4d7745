"""What the gradient of each arm owes to which cause, at initialisation."""

from matplotlib.figure import Figure

from gradflow.causes import CAUSES
from gradflow.report.figures import report_figure
from gradflow.report.figures._causes import stacked_causes
from gradflow.report.figures.style import legend_below, means_over


@report_figure("Why: what the gradient owes to what", category=None)
def draw(study) -> Figure:
    """Draw a stacked bar an arm (`stacked_causes`), means over random seeds."""
    labels = study.labels
    means = study.theory.groupby("label")[["measured", "predicted", *CAUSES]].mean().reindex(labels)
    figure = Figure(figsize=(9, 0.5 * len(labels) + 2.4), layout="constrained")
    axis = figure.subplots()
    stacked_causes(axis, means, list(range(len(labels))))
    axis.set_yticks(range(len(labels)), labels)
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
    seeds = study.theory["seed"].nunique()
    over = means_over(seeds) if seeds else "nothing was explained"
    figure.suptitle(f"{study.title}: what the gradient at init is owed to\n({over})")
    legend_below(figure, axis)
    return figure
