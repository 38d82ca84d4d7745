"""The architectures: one entry each, as data. A new one is a line here, and makes no run again.

The configuration's section `architectures` is parsed into the same class: a user's own network goes the same way.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from gradflow.colours import (
    BLACK,
    BLUE,
    FOREST,
    GREEN,
    GREY,
    INDIGO,
    ORANGE,
    PURPLE,
    SILVER,
    SKY,
    VERMILLION,
    YELLOW,
)


@dataclass(frozen=True)
class Architecture:
    """A network that runs can name.

    builder: what returns the `nn.Module`, as "package.module:function", "path/to/file.py:function" or, in a notebook,
    the function itself. It is called with `plan`, a run's options, and what it asks for by name of `classes` (else
    `num_classes` is given), `channels` and `image_size`. options: those that a run can set, with their defaults; an
    option has its default's type. label, colour: how people see it, which is no part of a run. pretrained: the entry
    under `downloads` that holds trained weights for it. source_size: the side of the images that its source shows it,
    in pixels; nothing that a run depends on.
    """

    builder: str | Callable
    label: str = ""
    colour: str = GREY
    plan: dict = field(default_factory=dict)
    options: dict = field(default_factory=dict)
    pretrained: str | None = None
    source_size: int = 64

    @property
    def science(self) -> dict:
        """What a run's numbers depend on: all but how people see it."""
        return {name: getattr(self, name) for name in ("builder", "plan", "options", "pretrained")}


def _stages(*convolutions: int) -> dict:
    """A VGG's plan with so many convolutions in each of its five stages."""
    channels = (64, 128, 256, 512, 512)
    return {"layers": [layer for size, count in zip(channels, convolutions) for layer in [size] * count + ["M"]]}


_VGG, _RESNET, _CIFAR_RESNET = (
    f"gradflow.models.{builder}" for builder in ("vgg:vgg", "resnet:resnet", "resnet:cifar_resnet")
)
_GLOBAL_POOL = {
    "width": 1.0,
    "activation": "relu",
    "pooling": "max",
    "kernel": 3,
    "bottleneck": False,
    "batch_norm": False,
}  # with a global average pool, and no dropout
_HEAD = _GLOBAL_POOL | {"dropout": 0.5}  # with torchvision's head
_RESIDUAL = {"width": 1.0, "activation": "relu", "batch_norm": True, "skip": True}

# VGG: Simonyan & Zisserman 2014, configurations A, B, D, E; ResNet: He et al. 2016, table 1 and section 4.2.
CATALOGUE: dict[str, Architecture] = {
    "vgg11": Architecture(_VGG, "VGG-11", INDIGO, _stages(1, 1, 2, 2, 2), _HEAD),
    "vgg13": Architecture(_VGG, "VGG-13", FOREST, _stages(2, 2, 2, 2, 2), _HEAD),
    "vgg16": Architecture(_VGG, "VGG-16", BLUE, _stages(2, 2, 3, 3, 3), _HEAD),
    "vgg19": Architecture(_VGG, "VGG-19", SKY, _stages(2, 2, 4, 4, 4), _HEAD, "vgg19_weights", 224),
    # notebook 000's next step: 35 convolutions and 3 linear layers
    "vgg38": Architecture(_VGG, "VGG-38", ORANGE, _stages(4, 4, 9, 9, 9), _HEAD, source_size=224),
    # the code of notebook 002
    "vgg_deep": Architecture(
        _VGG,
        "VGG-Deep",
        VERMILLION,
        {"layers": [64, 64, "M", 128, 128, "M", 256, 256, 256, 512, 512, 512, 512, "M"], "dropout": None},
        _GLOBAL_POOL,
    ),
    # the kernel experiment of notebook 003, which names no plan
    "vgg_shallow": Architecture(
        _VGG, "shallow VGG", YELLOW, {"layers": [64, "M", 128, "M", 256, "M"], "dropout": None}, _GLOBAL_POOL
    ),
    # VGG-16 and four more convolutions in its last stage (the README of notebook 003)
    "vgg16_plus4": Architecture(_VGG, "VGG-16+4", PURPLE, _stages(2, 2, 3, 3, 7), _HEAD | {"dropout": 0.0}),
    "resnet18": Architecture(_RESNET, "ResNet-18", GREEN, {"blocks": (2, 2, 2, 2), "kernels": (3, 3)}, _RESIDUAL),
    # the stride on the 3×3, as in notebook 001
    "resnet50": Architecture(
        _RESNET,
        "ResNet-50",
        BLACK,
        {"blocks": (3, 4, 6, 3), "kernels": (1, 3, 1), "strided": 1, "expansion": 4},
        _RESIDUAL,
        source_size=224,
    ),
    "cifar_resnet": Architecture(
        _CIFAR_RESNET, "CIFAR ResNet", SILVER, options=_RESIDUAL | {"depth": 20}, source_size=32
    ),
    # notebook 004
    "mlp": Architecture(
        "gradflow.models.mlp:mlp",
        "MLP",
        GREY,
        options={"units": 10, "depth": 5, "activation": "sigmoid", "output_activation": True},
    ),
}
