"""The activation gradient of every layer against its depth."""

from matplotlib.figure import Figure

from gradflow.report.figures import report_figure
from gradflow.report.figures._depth_profiles import depth_profiles


@report_figure("Activation gradient against depth", category=None)
def draw(study) -> Figure:
    """Draw a panel an arm, with the prediction (`depth_profiles`)."""
    return depth_profiles(study, "grad_sample_norm", theory=True)
