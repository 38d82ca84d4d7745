"""The architectures' options and their defaults, as data: what a run can set, and what it means to leave it out."""

from gradflow.errors import GradflowError

VGG = {
    "width": 1.0,
    "activation": "relu",
    "pooling": "max",
    "kernel": 3,
    "bottleneck": False,
    "batch_norm": False,
    "dropout": 0.5,
}
VGG_WITHOUT_DROPOUT = {name: default for name, default in VGG.items() if name != "dropout"}
RESNET = {"width": 1.0, "activation": "relu", "batch_norm": True, "skip": True}

OPTIONS: dict[str, dict] = {
    "vgg16": VGG,
    "vgg19": VGG,
    "vgg38": VGG,
    "vgg_deep": VGG_WITHOUT_DROPOUT,
    "vgg_shallow": VGG_WITHOUT_DROPOUT,
    "vgg16_plus4": VGG | {"dropout": 0.0},
    "resnet18": RESNET,
    "resnet50": RESNET,
    "cifar_resnet": RESNET | {"depth": 20},
    "mlp": {"inputs": 10, "width": 10, "depth": 5, "activation": "sigmoid"},
}


def check_pretrained(architecture: str, options: dict) -> None:
    """Raise GradflowError unless there are ImageNet weights for an architecture with these options."""
    if architecture != "vgg19":
        raise GradflowError(f"init: there are pretrained weights for vgg19 alone, not for {architecture}.")
    changed = [name for name, value in VGG.items() if name != "dropout" and options[name] != value]
    if changed:
        raise GradflowError(f"{changed[0]}: pretrained weights fit vgg19 only with {changed[0]} {VGG[changed[0]]}.")


def resolve(architecture: str, options: dict) -> dict:
    """Return all options of an architecture: those given, and the defaults of the others.

    Raises GradflowError for an unknown architecture, and for an option that it lacks.
    """
    if architecture not in OPTIONS:
        raise GradflowError(f"architecture: {architecture!r} is not known; choose one of {', '.join(OPTIONS)}.")
    known = OPTIONS[architecture]
    for name in options:
        if name not in known:
            raise GradflowError(f"{name}: {architecture} has no such option; it takes {', '.join(known)}.")
    if architecture == "cifar_resnet" and options.get("depth", 20) % 6 != 2:
        raise GradflowError(f"depth: cifar_resnet has 6n + 2 layers (8, 14, 20, ..., 110), not {options['depth']}.")
    return known | options
