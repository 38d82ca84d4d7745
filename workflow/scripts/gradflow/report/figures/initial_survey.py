"""The initial survey: every architecture under every initialisation, and what its gradient owes to what."""

import pandas as pd
from matplotlib.figure import Figure

from gradflow.causes import CAUSES
from gradflow.labels import INITS
from gradflow.report.figures import report_figure
from gradflow.report.figures._causes import stacked_causes
from gradflow.report.figures.style import headed, legend_below, means_over
from gradflow.report.prose.depth import least_by_init

GAP = 0.8  # between architectures, in rows


@report_figure("Initial survey: what the gradient owes to what")
def draw(initial_survey: pd.DataFrame) -> Figure:
    """Draw a stacked bar an architecture and initialisation (`stacked_causes`), means over random seeds."""
    keys = ["architecture", "init"]
    order = initial_survey.drop_duplicates(keys)[keys].reset_index(drop=True)
    means = initial_survey.groupby(keys, observed=True)[["measured", "predicted", *CAUSES]].mean()
    means = means.reindex(pd.MultiIndex.from_frame(order))
    new = order["architecture"] != order["architecture"].shift()
    rows = [row + GAP * count for row, count in enumerate(new.cumsum() - 1)]
    figure = Figure(figsize=(9, 0.2 * (rows[-1] + 1) + 2.6), layout="constrained")
    axis = figure.subplots()
    stacked_causes(axis, means, rows)
    axis.set_yticks(rows, [INITS.get(init, init) for init in order["init"]], fontsize=8)
    axis.set_ylim(rows[-1] + 0.8, -0.8)
    axis.grid(axis="y", visible=False)
    for architecture, places in order.groupby("architecture", observed=True).groups.items():
        one = initial_survey[initial_survey["architecture"] == architecture].iloc[0]
        said = f"{one['label']}\n{one['image_size']} px"
        middle = (rows[places[0]] + rows[places[-1]]) / 2
        axis.text(-0.17, middle, said, transform=axis.get_yaxis_transform(), ha="right", va="center", fontsize=9)
    seeds = initial_survey["seed"].nunique()
    headed(figure, "", least_by_init(initial_survey), f"before any training; {means_over(seeds)}")
    legend_below(figure, axis)
    return figure
