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
RESNET = {"width": 1.0, "activation": "relu", "batch_norm": True, "skip": True}

OPTIONS: dict[str, dict] = {
    "vgg16": VGG,
    "vgg19": VGG,
    "vgg38": VGG,
    "vgg_deep": {name: default for name, default in VGG.items() if name != "dropout"},
    "vgg16_plus4": VGG | {"dropout": 0.0},
    "resnet18": RESNET,
    "resnet50": RESNET,
    "mlp": {"inputs": 10, "width": 10, "depth": 5, "activation": "sigmoid"},
}


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
    return known | options
