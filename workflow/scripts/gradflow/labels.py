"""How settings are named for people, in one place."""

from gradflow.training.optimizers import OPTIMIZERS

ACTIVATIONS = {
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "elu": "ELU",
    "gelu": "GELU",
}
INITS = {
    "default": "torch default",
    "xavier": "Xavier",
    "he": "He",
    "he_fan_out": "He fan-out",
    "orthogonal": "orthogonal",
    "lecun": "LeCun",
    "torchvision": "torchvision",
    "pretrained": "pretrained",
}
PHASES = {
    "init": "at init",
    "one_step": "after one step",
    "middle": "mid-way",
    "second_half": "in the second half",
    "end": "at the end",
}
# What figures and tables show; the second half is for claims, as every run has it.
SHOWN_PHASES = {phase: name for phase, name in PHASES.items() if phase != "second_half"}

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

_SAY = {
    "init": lambda value: f"{INITS.get(value, value)} init",
    "activation": lambda value: ACTIVATIONS.get(value, value),
    "optimizer": lambda value: OPTIMIZERS[value].label,
    "skip": lambda value: "skip" if value else "no skip",
    "batch_norm": lambda value: "BN" if value else "no BN",
    "pooling": lambda value: f"{value} pool",
    "kernel": lambda value: f"{value}×{value}",
    "bottleneck": lambda value: "1×1 bottlenecks" if value else "no bottlenecks",
    "depth": lambda value: f"{value} layers",
    "epochs": lambda value: f"{value} epochs",
    "learning_rate": lambda value: f"lr {value:g}",
    "optimizer_options": lambda value: ", ".join(f"{name} {said}" for name, said in value.items()),
    "schedule": lambda value: {"none": "constant rate", "step": "rate in steps"}.get(value, f"{value} schedule"),
    "warmup_epochs": lambda value: f"warm-up of {value:g} epochs",
}
# Named only where the labels would be the same without them.
_LESSER = ("learning_rate", "momentum", "weight_decay", "step_size", "gamma", "epochs", "batch_size")


def arm_labels(settings: list[dict], architectures: dict[str, str]) -> list[str]:
    """Return a short, distinct label for each of a study's settings: the architecture and what sets it apart.

    architectures: the label of each, by name.
    """
    keys = dict.fromkeys(key for point in settings for key in point)
    varying = [key for key in keys if len({repr(point.get(key)) for point in settings}) > 1]
    chosen = ["architecture"] + [key for key in varying if key not in (*_LESSER, "architecture")]
    lesser = [key for key in varying if key in _LESSER]
    labels = [_label(point, chosen, architectures) for point in settings]
    while lesser and len(set(labels)) < len(labels):
        chosen.append(lesser.pop(0))
        labels = [_label(point, chosen, architectures) for point in settings]
    return labels


def say_setting(name: str, value) -> str:
    """Say the value of a setting as labels do: "He init", "no skip", "dropout 0.5"."""
    return _SAY[name](value) if name in _SAY else f"{name.replace('_', ' ')} {value}"


def _label(point: dict, keys: list[str], architectures: dict[str, str]) -> str:
    parts = [
        architectures.get(point[key], point[key]) if key == "architecture" else say_setting(key, point[key])
        for key in keys
        if point.get(key) is not None
    ]
    return ", ".join(filter(None, parts))
