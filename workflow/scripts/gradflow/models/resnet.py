"""Residual networks from plans, with torchvision's module names, and the same nets with their skips taken out."""

from dataclasses import dataclass

import torch
from torch import nn

from gradflow.errors import GradflowError
from gradflow.models.blocks import ACTIVATIONS, scaled


@dataclass(frozen=True)
class ResNetPlan:
    """Blocks and planes per stage, and the kernels of a block's convolutions; the last has `expansion` × the planes."""

    blocks: tuple[int, ...]
    kernels: tuple[int, ...]
    strided: int = 0  # which convolution of a stage's first block halves the image
    expansion: int = 1
    planes: tuple[int, ...] = (64, 128, 256, 512)
    small_images: bool = False  # one 3×3 convolution for a stem, instead of a 7×7 and a pooling, both of stride 2


class Block(nn.Module):
    """A residual block: conv1, bn1, ..., and the identity or its projection `downsample` added before the last ReLU.

    Without `skip` nothing is added; the unused projection stays, as notebook 001 builds it.
    """

    def __init__(self, inputs: int, sizes: list[int], kernels, strides, activation: str, batch_norm: bool, skip: bool):
        super().__init__()
        self.depth, self.skip = len(sizes), skip
        for i, (out, kernel, stride) in enumerate(zip(sizes, kernels, strides), start=1):
            channels = inputs if i == 1 else sizes[i - 2]
            self.add_module(f"conv{i}", nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False))
            self.add_module(f"bn{i}", nn.BatchNorm2d(out) if batch_norm else nn.Identity())
        self.relu = ACTIVATIONS[activation]()
        stride = max(strides)
        self.downsample = None
        if stride != 1 or inputs != sizes[-1]:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, sizes[-1], 1, stride, bias=False),
                nn.BatchNorm2d(sizes[-1]) if batch_norm else nn.Identity(),
            )

    @property
    def branch_start(self) -> nn.Module:
        """The first module of the branch."""
        return self.conv1

    @property
    def branch_end(self) -> nn.Module:
        """The module whose output the skip is added to."""
        return self.get_submodule(f"bn{self.depth}")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map [B, inputs, H, W] to [B, sizes[-1], H/stride, W/stride]."""
        out = x
        for i in range(1, self.depth + 1):
            out = self.get_submodule(f"bn{i}")(self.get_submodule(f"conv{i}")(out))
            if i < self.depth:
                out = self.relu(out)
        if self.skip:
            out = out + (x if self.downsample is None else self.downsample(x))
        return self.relu(out)


class ResNet(nn.Module):
    """A stem, stages `layer1`, `layer2`, ..., a global average pool and one linear layer `fc`."""

    def __init__(
        self,
        plan: ResNetPlan,
        classes: int,
        inputs: int,
        width: float,
        activation: str,
        batch_norm: bool,
        skip: bool,
    ):
        super().__init__()
        channels = scaled(plan.planes[0], width)
        self.conv1 = nn.Conv2d(inputs, channels, *((3, 1, 1) if plan.small_images else (7, 2, 3)), bias=False)
        self.bn1 = nn.BatchNorm2d(channels) if batch_norm else nn.Identity()
        self.relu = ACTIVATIONS[activation]()
        self.maxpool = nn.Identity() if plan.small_images else nn.MaxPool2d(3, 2, 1)
        self.stages = len(plan.blocks)
        for stage, (planes, count) in enumerate(zip(plan.planes, plan.blocks), start=1):
            sizes = [scaled(planes, width)] * (len(plan.kernels) - 1) + [scaled(planes * plan.expansion, width)]
            blocks = []
            for i in range(count):
                strides = [1] * len(plan.kernels)
                strides[plan.strided] = 2 if stage > 1 and i == 0 else 1
                blocks.append(Block(channels, sizes, plan.kernels, strides, activation, batch_norm, skip))
                channels = sizes[-1]
            self.add_module(f"layer{stage}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(channels, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map images [B, inputs, H, W] to logits [B, classes]."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        for stage in range(1, self.stages + 1):
            x = self.get_submodule(f"layer{stage}")(x)
        return self.fc(torch.flatten(self.avgpool(x), 1))


def resnet(
    *,
    classes: int,
    channels: int,
    width: float,
    activation: str,
    batch_norm: bool,
    skip: bool,
    **plan,
) -> nn.Module:
    """Build a ResNet from its plan (the fields of `ResNetPlan`); without `skip` no identity is added.

    width multiplies every channel count; channels are those of the images.
    """
    return ResNet(ResNetPlan(**plan), classes, channels, width, activation, batch_norm, skip)


def cifar_resnet(*, classes: int, channels: int, depth: int, **options) -> nn.Module:
    """Build a ResNet for small images with `depth` = 6n + 2 layers (He et al. 2016, section 4.2), else as `resnet`.

    Where a stage begins its shortcut is a 1×1 projection (the paper's option B), as in the other ResNets here.
    Raises GradflowError for another depth.
    """
    if depth % 6 != 2 or depth < 8:
        raise GradflowError(f"depth: cifar_resnet has 6n + 2 layers (8, 14, 20, ..., 110), not {depth}.")
    plan = {"blocks": ((depth - 2) // 6,) * 3, "kernels": (3, 3), "planes": (16, 32, 64), "small_images": True}
    return resnet(classes=classes, channels=channels, **plan, **options)
