"""What a run is, scientifically: the settings that its numbers follow from, and the name they give it."""

import hashlib
import json
from dataclasses import dataclass, field, fields
from functools import cached_property

MODEL_OPTIONS = ("width", "activation", "pooling", "kernel", "bottleneck", "batch_norm", "dropout", "skip", "depth")
# What changes nothing before the first update; runs that differ in these alone begin alike.
_UPDATES = ("seed", "optimizer", "learning_rate", "momentum", "weight_decay", "step_size", "gamma", "epochs")


def _later(neutral: object, description: str, kind: str, *, updates: bool = False, **bounds) -> dict:
    """What a setting that came later says of itself; kind and bounds: in JSON schema's words."""
    return {"neutral": neutral, "updates": updates, "schema": {"description": description, "type": kind} | bounds}


@dataclass(frozen=True)
class Run:
    """All that makes a run what it is scientifically; None marks an option that its architecture does not have.

    A setting that came later says its neutral value. At that it is left out of ids and results, and code that is there
    for it does not count (`gradflow.runtime.closures`): a run is what it was before the setting was there. It also says
    whether it is about `updates` alone, and may say its JSON `schema`.
    """

    architecture: str
    dataset: str
    source: str  # with image_size, what the data set's name stands for
    image_size: int
    seed: int
    width: float | None
    init: str = "default"
    activation: str | None = None
    pooling: str | None = None
    kernel: int | None = None
    bottleneck: bool | None = None
    batch_norm: bool | None = None
    dropout: float | None = None
    skip: bool | None = None
    depth: int | None = None
    normalization: str = "imagenet"
    optimizer: str = "sgd"
    learning_rate: float = 0.01
    momentum: float = 0.0
    weight_decay: float = 0.0
    step_size: int = 0
    gamma: float = 0.5
    batch_size: int = 32
    epochs: int = 5
    precision: str = "fp32"
    # The architecture's options that are no fields here, and the optimizer's own arguments: those not at their default.
    options: dict = field(default_factory=dict, hash=False, metadata={"neutral": {}})
    optimizer_options: dict = field(default_factory=dict, hash=False, metadata={"neutral": {}, "updates": True})
    channels: int = field(default=3, metadata={"neutral": 3})  # of the images, as the data set's settings say
    # With step_size 0 the rate stays as it is.
    schedule: str = field(default="step", metadata={"neutral": "step", "updates": True})
    warmup_epochs: float = field(
        default=0.0,
        metadata=_later(
            0.0,
            "Epochs, or a part of one, over which the learning rate grows linearly to all of it.",
            "number",
            updates=True,
            minimum=0,
            maximum=10000,
        ),
    )
    crop_padding: int = field(
        default=0,
        metadata=_later(
            0,
            "Augmentation: training images are padded by so many black pixels and cropped at random to their size; 0 "
            "crops none.",
            "integer",
            minimum=0,
            maximum=511,
        ),
    )
    horizontal_flip: bool = field(
        default=False,
        metadata=_later(
            False, "Augmentation: half of the training images, others each epoch, are mirrored.", "boolean"
        ),
    )
    label_smoothing: float = field(
        default=0.0,
        metadata=_later(
            0.0,
            "The share of each training label that all classes divide equally; evaluation knows none.",
            "number",
            minimum=0,
            exclusiveMaximum=1,
        ),
    )
    gradient_clipping: float = field(
        default=0.0,
        metadata=_later(
            0.0,
            "The norm of all gradients together above which a step scales them down to it; 0 clips none.",
            "number",
            updates=True,
            minimum=0,
            maximum=10**9,
        ),
    )
    decay_weights_only: bool = field(
        default=False,
        metadata=_later(
            False,
            "Whether weight decay leaves biases and the parameters of norms alone; torch's optimizers decay all.",
            "boolean",
            updates=True,
        ),
    )

    @property
    def settings(self) -> dict:
        """Every setting by name, without those that came later and are neutral: `Run(**settings)` is the run."""
        neutral = self.neutral
        return {part.name: getattr(self, part.name) for part in fields(self) if part.name not in neutral}

    @cached_property
    def neutral(self) -> frozenset[str]:
        """The names of the settings that came later and are neutral."""
        later = {part.name: part.metadata["neutral"] for part in fields(self) if "neutral" in part.metadata}
        return frozenset(name for name, neutral in later.items() if getattr(self, name) == neutral)

    @cached_property
    def id(self) -> str:
        """A readable name that ends in 8 hex digits of a hash over every field that is set."""
        digest = _hash_settings({key: value for key, value in self.settings.items() if value is not None})[:8]
        switches = (("skip", self.skip), ("bn", self.batch_norm))
        marks = [name if value else f"no-{name}" for name, value in switches if value is not None]
        parts = [self.architecture, *marks, self.init, self.optimizer, self.dataset, f"s{self.seed}", digest]
        return "-".join(part.replace("_", "") for part in parts)

    @property
    def start(self) -> str:
        """A hash over what the first backward pass depends on, but for the seed; runs that begin alike share it."""
        updates = {*_UPDATES, *(part.name for part in fields(self) if part.metadata.get("updates"))}
        return _hash_settings({key: value for key, value in self.settings.items() if key not in updates})[:12]

    @property
    def pretrained(self) -> bool:
        """Whether it starts from weights that others trained."""
        return self.init == "pretrained"

    @property
    def model_options(self) -> dict:
        """The options to build the network with, those that it has; others are at their default."""
        named = {name: getattr(self, name) for name in MODEL_OPTIONS if getattr(self, name) is not None}
        return named | self.options


def _hash_settings(settings: dict) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
