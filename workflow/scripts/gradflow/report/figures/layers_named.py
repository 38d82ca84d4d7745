"""The activation gradient of the layers that a study names, over training time."""

from matplotlib.figure import Figure

from gradflow.report.figures import report_figure
from gradflow.report.figures._layers_over_time import layers_over_time


@report_figure("Named layers over time", category=None)
def draw(study, layers: dict[str, list[str]]) -> Figure:
    """Draw a panel an arm (`layers_over_time`)."""
    return layers_over_time(study, layers)
