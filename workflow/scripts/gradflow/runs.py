"""What a run is, scientifically: the settings that its numbers follow from, and the name they give it."""

import hashlib
import json
from dataclasses import asdict, dataclass

MODEL_OPTIONS = ("width", "activation", "pooling", "kernel", "bottleneck", "batch_norm", "dropout", "skip", "depth")
PRETRAINED = {"vgg19": "vgg19_weights"}  # architecture -> its entry under downloads
WEIGHT_DECAYS = {"sgd": 0.0, "adam": 0.0, "adamw": 0.01}  # torch's defaults


@dataclass(frozen=True)
class Run:
    """All that makes a run what it is scientifically; None marks an option that its architecture does not have."""

    architecture: str
    dataset: str
    source: str  # with image_size, what the data set's name stands for
    image_size: int
    seed: int
    width: float
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

    @property
    def id(self) -> str:
        """A readable name that ends in 8 hex digits of a hash over every field that is set."""
        settings = {key: value for key, value in asdict(self).items() if value is not None}
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
        switches = (("skip", self.skip), ("bn", self.batch_norm))
        marks = [name if value else f"no-{name}" for name, value in switches if value is not None]
        parts = [self.architecture, *marks, self.init, self.optimizer, self.dataset, f"s{self.seed}", digest]
        return "-".join(part.replace("_", "") for part in parts)

    @property
    def start(self) -> str:
        """A hash over what the first backward pass depends on, but for the seed; runs that begin alike share it."""
        later = ("seed", "optimizer", "learning_rate", "momentum", "weight_decay", "step_size", "gamma", "epochs")
        settings = {key: value for key, value in asdict(self).items() if key not in later}
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def weights(self) -> str | None:
        """The download that holds the weights to start from; None unless init is "pretrained"."""
        return PRETRAINED[self.architecture] if self.init == "pretrained" else None

    @property
    def model_options(self) -> dict:
        """The options to build the network with, those that it has."""
        return {name: getattr(self, name) for name in MODEL_OPTIONS if getattr(self, name) is not None}
