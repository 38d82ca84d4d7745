"""The settings of runs, as a study's `base` has them and its `vary` varies them."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic.fields import FieldInfo

from gradflow.config.fields import KINDS, Number, Sparse, like, one_of, one_or_several, option, section
from gradflow.labels import ACTIVATIONS, INITS
from gradflow.runs import Run
from gradflow.training.optimizers import OPTIMIZERS, REFUSED
from gradflow.training.schedules import SCHEDULES

BOUNDS = {"minimum": "ge", "exclusiveMinimum": "gt", "maximum": "le", "exclusiveMaximum": "lt"}


class Settings(Sparse):
    """The settings that all runs of a study share. A default that is not said is the network's own, or `scale`'s."""

    architecture: str = option("The network, of gradflow.models.catalogue or of the section architectures.")
    width: Number = option("The width multiplier, instead of scale.width.", gt=0, le=4)
    activation: one_of(*ACTIVATIONS) = option("The activation function.")
    pooling: one_of("max", "average") = option("VGG's pooling.")
    kernel: one_of(1, 3, 5, 7, 9) = option("The side of VGG's kernels, with same padding.")
    bottleneck: bool = option("Whether each of VGG's wide convolutions becomes a 1×1, 3×3, 1×1 bottleneck.")
    batch_norm: bool = option("Whether a batch norm follows each convolution.")
    dropout: Number = option("VGG's dropout in the classifier.", ge=0, lt=1)
    skip: bool = option("Whether ResNet's skip connections are there.")
    depth: int = option("The layers of an mlp, or of a cifar_resnet, 6n + 2.", ge=1, le=1202)
    init: one_of(*INITS) = Field(
        Run.init,
        description="The weight initialisation; pretrained, for vgg19, starts from the download vgg19_weights.",
    )
    dataset: str = option("The data set, instead of scale.dataset.")
    normalization: one_of("none", "imagenet", "dataset") = Field(
        Run.normalization,
        description="How pixels in 0 ... 1 are normalised; none is ToTensor only, dataset takes the training images' "
        "own mean and standard deviation.",
    )
    # Those that are refused are refused later, with the reason.
    optimizer: Annotated[one_of(*OPTIMIZERS, *REFUSED), WithJsonSchema({"enum": [*OPTIMIZERS]})] = Field(
        Run.optimizer, description="The optimizer, by the name of its class in torch.optim."
    )
    optimizer_options: dict = Field(
        {},
        description="The optimizer's own arguments, such as {betas: [0.9, 0.95]}; gradflow.training.optimizers has "
        "them all.",
    )
    learning_rate: Number = Field(Run.learning_rate, gt=0, le=1000, description="The learning rate at the start.")
    momentum: Number = Field(Run.momentum, ge=0, lt=1, description="The momentum of SGD and RMSprop.")
    weight_decay: Number = Field(
        Run.weight_decay, ge=0, le=10, description="Weight decay; AdamW's own default is 0.01."
    )
    schedule: one_of(*SCHEDULES) = Field(
        Run.schedule,
        description="How the learning rate goes on; step multiplies it by gamma every step_size epochs, cosine lowers "
        "it to 0 over the run.",
    )
    step_size: int = Field(
        Run.step_size,
        ge=0,
        le=10_000,
        description="Epochs between two steps of the schedule step; 0 keeps the learning rate.",
    )
    gamma: Number = Field(
        Run.gamma, gt=0, le=1, description="The factor on the learning rate at each step of the schedule."
    )
    batch_size: int = Field(Run.batch_size, ge=2, le=65_536, description="Images a batch.")
    epochs: int = option("Passes over the training data, instead of scale.epochs.", ge=1, le=10_000)
    precision: one_of("fp32", "bf16", "fp64") = Field(
        Run.precision,
        description="Arithmetic of the forward and backward pass; bf16 is autocast, fp64 for small networks.",
    )


def run_settings(options: Mapping[str, Mapping], own: frozenset[str]) -> type[Settings]:
    """Return the section of a run's settings, with what the registries know.

    options: of every architecture, with their defaults. own: which of the architectures are the user's.
    """
    named = {"architecture": (one_of(*options), Settings.model_fields["architecture"])}
    for part in fields(Run):
        if "schema" in part.metadata:
            named[part.name] = _described(part.default, **part.metadata["schema"])
    for name in dict.fromkeys(name for taken in options.values() for name in taken):
        having = {architecture: taken[name] for architecture, taken in options.items() if name in taken}
        described = option(f"An option of {', '.join(having)}.")
        if name not in Settings.model_fields or own & having.keys():  # a name of ours, perhaps with values of its own
            named[name] = like(*having.values()), Settings.model_fields.get(name, described)
    return section("Settings", Settings, named, Settings.__doc__)


def grid(settings: type[Settings]) -> Any:
    """Return the kind of a grid: it has the keys of the settings, and each takes one value or a list of them."""
    varied = {
        field.alias or name: (one_or_several(field.annotation, *field.metadata), option(field.description))
        for name, field in settings.model_fields.items()
    }
    made = section("Grid", Sparse, varied, "A grid: every combination of its lists, each an arm.")
    return Annotated[made, AfterValidator(_not_empty), Field(json_schema_extra={"minProperties": 1})]


def _not_empty(written: dict) -> dict:
    if not written:
        raise ValueError("is empty; give it at least 1 key, or leave it out.")
    return written


def _described(default: object, description: str, type: str, **bounds) -> tuple[Any, FieldInfo]:
    """Return the field of a setting that came later, of the JSON schema that its field of `Run` has."""
    limits = {BOUNDS[word]: value for word, value in bounds.items()}
    return KINDS[type], Field(default, description=description, **limits)
