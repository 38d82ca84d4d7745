"""The optimizers, as data: every one of torch.optim's that steps without a closure on dense gradients.

A new one is a line here, and makes no run again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gradflow.errors import GradflowError


@dataclass(frozen=True)
class Optimizer:
    """An optimizer that runs can name: where its class is, what people call it, its own arguments with their defaults.

    Of its arguments, `momentum` and `weight_decay` are settings of every run; the others go under `optimizer_options`.
    fixed: arguments that say how it computes and not what; for weights that lie in memory without gaps.
    """

    kind: str
    label: str
    settings: dict = field(default_factory=dict)
    fixed: dict = field(default_factory=dict)

    @property
    def science(self) -> dict:
        """What a run's numbers depend on: all but how people see it."""
        return {"kind": self.kind, "settings": self.settings} | ({"fixed": self.fixed} if self.fixed else {})

    @property
    def options(self) -> dict:
        """The arguments that go under `optimizer_options`, with their defaults."""
        return {name: value for name, value in self.settings.items() if name not in ("momentum", "weight_decay")}


# One pass over the memory in place of a dozen: eight times as fast for VGG-19 on a CPU, equal to 6e-8. For SGD, whose
# passes are few, it gains little.
_FUSED = {"fused": True}
_ADAM = {"weight_decay": 0.0, "betas": [0.9, 0.999], "eps": 1e-8}

OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": Optimizer(
        "torch.optim:SGD", "SGD", {"momentum": 0.0, "weight_decay": 0.0, "dampening": 0.0, "nesterov": False}
    ),
    "adam": Optimizer("torch.optim:Adam", "Adam", _ADAM | {"amsgrad": False, "decoupled_weight_decay": False}, _FUSED),
    "adamw": Optimizer("torch.optim:AdamW", "AdamW", _ADAM | {"weight_decay": 0.01, "amsgrad": False}, _FUSED),
    "adadelta": Optimizer("torch.optim:Adadelta", "Adadelta", {"weight_decay": 0.0, "rho": 0.9, "eps": 1e-6}),
    "adafactor": Optimizer(
        "torch.optim:Adafactor",
        "Adafactor",
        {"weight_decay": 0.0, "beta2_decay": -0.8, "eps": [None, 1e-3], "d": 1.0},
    ),
    "adagrad": Optimizer(
        "torch.optim:Adagrad",
        "Adagrad",
        {"weight_decay": 0.0, "lr_decay": 0.0, "initial_accumulator_value": 0.0, "eps": 1e-10},
    ),
    "adamax": Optimizer("torch.optim:Adamax", "Adamax", _ADAM),
    "asgd": Optimizer("torch.optim:ASGD", "ASGD", {"weight_decay": 0.0, "lambd": 1e-4, "alpha": 0.75, "t0": 1e6}),
    "nadam": Optimizer("torch.optim:NAdam", "NAdam", _ADAM | {"momentum_decay": 4e-3, "decoupled_weight_decay": False}),
    "radam": Optimizer("torch.optim:RAdam", "RAdam", _ADAM | {"decoupled_weight_decay": False}),
    "rmsprop": Optimizer(
        "torch.optim:RMSprop",
        "RMSprop",
        {"momentum": 0.0, "weight_decay": 0.0, "alpha": 0.99, "eps": 1e-8, "centered": False},
    ),
    "rprop": Optimizer("torch.optim:Rprop", "Rprop", {"etas": [0.5, 1.2], "step_sizes": [1e-6, 50.0]}),
}
REFUSED = {
    "lbfgs": "it steps with a closure that evaluates the loss again",
    "sparse_adam": "it takes sparse gradients alone",
    "muon": "it takes matrices alone, no convolution's weights",
}


def find(name: str) -> Optimizer:
    """Return an optimizer by name. Raises GradflowError for one that is not known, or cannot be used here."""
    if name in REFUSED:
        raise GradflowError(f"optimizer: {name} cannot be used, as {REFUSED[name]}; choose one of {_names()}.")
    if name not in OPTIMIZERS:
        raise GradflowError(f"optimizer: {name!r} is not known; choose one of {_names()}.")
    return OPTIMIZERS[name]


def resolve_optimizer(settings: Mapping) -> dict:
    """Return a run's `momentum`, `weight_decay` and `optimizer_options`, those that are not at their default.

    settings: those of a run that are given; `optimizer` is SGD where it is not. Raises GradflowError, which begins with
    the setting, for an optimizer or an argument that there is not, or of another type than its default's.
    """
    name = settings.get("optimizer", "sgd")
    optimizer = find(name)
    resolved: dict = {}
    for setting in ("momentum", "weight_decay"):
        resolved[setting] = settings.get(setting, optimizer.settings.get(setting, 0.0))
        if resolved[setting] and setting not in optimizer.settings:
            having = ", ".join(other for other, entry in OPTIMIZERS.items() if setting in entry.settings)
            raise GradflowError(f"{setting}: {name} takes none; set it to 0 or use one of {having}.")
    if settings.get("decay_weights_only") and not resolved["weight_decay"]:
        raise GradflowError("decay_weights_only: weight_decay is 0, so nothing decays; set it, or leave this out.")
    given, defaults = settings.get("optimizer_options", {}), optimizer.options
    for argument, value in given.items():
        if argument not in defaults:
            raise GradflowError(
                f"optimizer_options.{argument}: {name} has no such argument; it takes {', '.join(defaults)}."
            )
        if not _alike(value, defaults[argument]):
            raise GradflowError(f"optimizer_options.{argument} is {value!r}; it must be like {defaults[argument]!r}.")
    own = {argument: _like(given[argument], default) for argument, default in defaults.items() if argument in given}
    resolved["optimizer_options"] = {argument: value for argument, value in own.items() if value != defaults[argument]}
    return resolved


def _alike(value: object, default: object) -> bool:
    """Tell whether a value may stand where a default does: a number for a number, as many in a list."""
    if isinstance(default, list):
        return isinstance(value, list) and len(value) == len(default) and all(map(_alike, value, default))
    if isinstance(default, bool):
        return isinstance(value, bool)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number or (default is None and value is None)


def _like(value, default):
    """A value as its default is: 0 stands for 0.0."""
    if isinstance(default, list):
        return [_like(*pair) for pair in zip(value, default)]
    return float(value) if isinstance(default, float) else value


def _names() -> str:
    return ", ".join(OPTIMIZERS)
