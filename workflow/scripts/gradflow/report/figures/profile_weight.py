"""The gradient of every layer's weights against its depth."""

from matplotlib.figure import Figure

from gradflow.report.figures import report_figure
from gradflow.report.figures._depth_profiles import depth_profiles


@report_figure("Weight gradient against depth", category=None)
def draw(study) -> Figure:
    """Draw a panel an arm (`depth_profiles`)."""
    return depth_profiles(study, "weight_grad_norm")
