"""The sections of what is no study: networks at initialisation, and what is told of them on their own."""

from typing import Annotated

from pydantic import Field

from gradflow.config.fields import Distinct, Number, Section, one_of
from gradflow.labels import ACTIVATIONS, INITS

DRAWN_INITS = ("default", "xavier", "he", "lecun")  # of random networks; the others are of convolutions, or trained
SURVEYED_INITS = ("default", "xavier", "he", "he_fan_out", "orthogonal")
RANDOM_SEED = {"ge": 0, "le": 2**32 - 1}


class RandomMlps(Section):
    """Notebook 004's multilayer perceptrons, drawn many times at initialisation; one backward pass each."""

    draws: int = Field(1000, ge=8, le=1_000_000, description="Random networks per combination.")
    samples: int = Field(100, ge=1, le=100_000, description="Samples in the batch, X and Y standard normal.")
    depths: Distinct[Annotated[int, Field(ge=2, le=500)]] = Field(
        [5, 10, 20, 50], min_length=1, description="Numbers of (Linear, activation) pairs."
    )
    widths: Distinct[Annotated[int, Field(ge=1, le=4096)]] = Field(
        [10], min_length=1, description="Units of a hidden layer."
    )
    activations: Distinct[one_of(*ACTIVATIONS)] = Field(
        [*ACTIVATIONS], min_length=1, description="The activation after every layer, the last included."
    )
    inits: Distinct[one_of(*DRAWN_INITS)] = Field([*DRAWN_INITS], min_length=1, description="The initialisations.")
    seed: int = Field(0, **RANDOM_SEED, description="The random seed of the draws.")


class DepthAtInit(Section):
    """CIFAR ResNets of growing depth at initialisation, with and without skips and batch norm; never trained."""

    depths: Distinct[one_of(*range(8, 111, 6))] = Field([8, 20, 56], min_length=1, description="Layers, 6n + 2.")
    draws: int = Field(8, ge=2, le=1000, description="Random networks, one a random seed, of each kind.")
    images: int = Field(16, ge=2, le=1024, description="Images in the one batch that all see.")
    width: Number = Field(0.5, gt=0, le=4, description="The width multiplier; 1 is 16, 32 and 64 channels.")


class InitialSurvey(Section):
    """Every architecture under every initialisation, measured, predicted and explained before any training."""

    inits: Distinct[one_of(*SURVEYED_INITS)] = Field(
        [*SURVEYED_INITS], min_length=1, description="The initialisations."
    )
    seeds: int = Field(2, ge=1, le=1000, description="Random seeds of each.")
    width: Number = Field(0.25, gt=0, le=4, description="The width multiplier.")
    images: int = Field(
        16,
        ge=4,
        le=1024,
        description="Images of 64 pixels a side in a batch; of larger ones there are fewer, at least 3.",
    )


class Alignment(Section):
    """Networks that are trained for some steps and explained on the way: how the gradient aligns with the weights."""

    architectures: Distinct[str] = Field(
        ["vgg_deep", "resnet18"], min_length=1, description="Which, of gradflow's and your own."
    )
    init: one_of(*(name for name in INITS if name != "pretrained")) = Field("he", description="Their initialisation.")
    learning_rate: Number = Field(0.01, gt=0, le=100, description="That of SGD.")
    momentum: Number = Field(0.9, ge=0, lt=1, description="That of SGD.")
    batch_size: int = Field(32, ge=2, le=65_536, description="Images in a batch.")
    steps: Distinct[Annotated[int, Field(ge=0, le=100_000)]] = Field(
        [0, 1, 3, 10, 30, 100], min_length=1, description="Before which updates the gradient is explained."
    )
    seeds: int = Field(3, ge=1, le=1000, description="Random seeds of each.")
    width: Number = Field(0.25, gt=0, le=4, description="The width multiplier.")
