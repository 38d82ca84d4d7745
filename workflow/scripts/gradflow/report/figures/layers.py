"""The activation gradient of every layer over training time."""

from matplotlib.figure import Figure

from gradflow.report.figures import report_figure
from gradflow.report.figures._layers_over_time import layers_over_time


@report_figure("Every layer over time", category=None)
def draw(study) -> Figure:
    """Draw a panel an arm (`layers_over_time`)."""
    return layers_over_time(study)
