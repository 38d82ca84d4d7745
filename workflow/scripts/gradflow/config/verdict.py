"""The configuration's section `verdict`."""

from pydantic import Field

from gradflow.config.fields import Number, Section
from gradflow.thresholds import THRESHOLDS


class Verdict(Section):
    """When a gradient is called vanishing or exploding, in decades of the first layer over the last, when it is called
    dead, and when an arm has learnt.
    """

    vanishing_below: Number = Field(
        THRESHOLDS["vanishing_below"], lt=0, description="At or below so many decades the gradient vanishes."
    )
    exploding_above: Number = Field(
        THRESHOLDS["exploding_above"], gt=0, description="At or above so many decades the gradient explodes."
    )
    dead_update: Number = Field(
        THRESHOLDS["dead_update"],
        gt=0,
        description="Below so large an update of the first layer, as a share of its weight, it is dead: half an ulp of "
        "float32. Under SGD ‖ΔW‖/‖W‖, at initialisation ‖∂L/∂W‖/‖W‖.",
    )
    dead_gradient: Number = Field(
        THRESHOLDS["dead_gradient"],
        gt=0,
        description="Below so large a gradient of the first layer's weights, root mean square, it is dead under Adam "
        "and its kind, whose updates are lively whatever the gradient: Adam's epsilon.",
    )
    learnt_above: Number = Field(
        THRESHOLDS["learnt_above"],
        gt=0,
        le=1,
        description="An arm has learnt if its mean training accuracy in the last epoch is so high or higher.",
    )
