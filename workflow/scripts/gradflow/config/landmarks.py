"""The section `landmarks` of the configuration: what the field's landmark experiments are measured with."""

from typing import Annotated

from pydantic import Field

from gradflow.config.fields import Distinct, Number, Section

Depths = Distinct[Annotated[int, Field(ge=2, le=500)]]


class TrainableDepth(Section):
    """Tanh networks of growing depth, trained by plain SGD at several variances of their weights."""

    weight_variances: Distinct[Annotated[Number, Field(gt=0, le=100)]] = Field(
        [1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4],
        min_length=1,
        description="σ_w², fan-in times the variance of a weight at initialisation.",
    )
    bias_variance: Number = Field(0.05, ge=0, le=100, description="σ_b², the variance of a bias at initialisation.")
    depths: Depths = Field([10, 20, 40, 60, 80, 120], min_length=1, description="Hidden layers.")
    width: int = Field(128, ge=1, le=4096, description="Units of a hidden layer.")
    steps: int = Field(300, ge=1, le=1_000_000, description="Steps of SGD.")
    batch_size: int = Field(32, ge=1, le=65536, description="Images of a step, drawn with replacement.")
    learning_rate: Number = Field(0.003, gt=0, le=100, description="The learning rate, which stays as it is.")
    images: int = Field(1258, ge=2, le=1_000_000, description="Training images at most; accuracy is over all of them.")
    size: int = Field(8, ge=1, le=512, description="The side in pixels at which the networks see the images.")
    draws: int = Field(2, ge=1, le=1000, description="Random seeds of each network.")


class LogNormVariance(Section):
    """ReLU networks drawn many times: the variance of the logarithm of one sample's squared gradient norm."""

    widths: Distinct[Annotated[int, Field(ge=16, le=4096)]] = Field(
        [32, 64, 128, 256], min_length=1, description="Units of a hidden layer."
    )
    depths: Depths = Field([4, 8, 16, 32], min_length=1, description="Hidden layers.")
    draws: int = Field(1000, ge=8, le=1_000_000, description="Random networks of each width and depth.")


class ResidualByWidth(Section):
    """VGG-16 and ResNet-50 at several widths: measured less predicted decades."""

    widths: Distinct[Annotated[Number, Field(gt=0, le=4)]] = Field(
        [0.0625, 0.125, 0.25, 0.5], min_length=1, description="Width multipliers."
    )
    draws: int = Field(8, ge=2, le=1000, description="Random seeds of each network and width.")
    images: int = Field(32, ge=2, le=1024, description="Images in the one batch that all see.")


class Landmarks(Section):
    """Landmarks of the field, measured: trainable depth, the spread of gradients, the theory's residual by width."""

    trainable_depth: TrainableDepth = Field({})
    log_norm_variance: LogNormVariance = Field({})
    residual_by_width: ResidualByWidth = Field({})
