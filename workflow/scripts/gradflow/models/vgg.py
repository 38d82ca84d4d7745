"""VGG networks from plans; `gradflow.models.catalogue` has the plans."""

import torch
from torch import nn

from gradflow.models.blocks import ACTIVATIONS, POOLINGS, scaled


class VGG(nn.Module):
    """A VGG with torchvision's module names: `features.N`, `avgpool`, `classifier.N`."""

    torchvision_linear_std = 0.01  # what `init: torchvision` draws its linear layers with

    def __init__(self, features: nn.Sequential, avgpool: nn.Module, classifier: nn.Sequential):
        super().__init__()
        self.features, self.avgpool, self.classifier = features, avgpool, classifier

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map images [B, channels, H, W] to logits [B, classes]."""
        return self.classifier(torch.flatten(self.avgpool(self.features(images)), 1))


def vgg(
    *,
    layers: list,
    classes: int,
    channels: int,
    width: float,
    activation: str,
    pooling: str,
    kernel: int,
    bottleneck: bool,
    batch_norm: bool,
    dropout: float | None,
) -> nn.Module:
    """Build a VGG from its plan: layers, a list of channel counts, with "M" where a pooling halves the image.

    width multiplies every channel count and the hidden linear layers. kernel is odd, with same padding. bottleneck
    puts a 1×1, a kernel×kernel of a quarter of the channels, and a 1×1 instead of each convolution of 256 or more
    planned channels. With a dropout the head is torchvision's (7×7 adaptive average pool, two hidden layers of 4096,
    dropout after each); with None it is notebook 002's (global average pool, 512 → 512 → 256 → classes).
    """
    features: list[nn.Module] = []
    for item in layers:
        if item == "M":
            features.append(POOLINGS[pooling](2, 2))
            continue
        out = scaled(item, width)
        narrow = scaled(item / 4, width)
        sizes = [(narrow, 1), (narrow, kernel), (out, 1)] if bottleneck and item >= 256 else [(out, kernel)]
        for out, side in sizes:
            features.append(nn.Conv2d(channels, out, side, padding=side // 2))
            if batch_norm:
                features.append(nn.BatchNorm2d(out))
            features.append(ACTIVATIONS[activation]())
            channels = out
    side, hidden = (1, (512, 256)) if dropout is None else (7, (4096, 4096))
    sizes = [channels * side * side, *(scaled(size, width) for size in hidden), classes]
    classifier: list[nn.Module] = []
    for i in range(len(hidden)):
        classifier += [nn.Linear(sizes[i], sizes[i + 1]), ACTIVATIONS[activation]()]
        if dropout is not None:
            classifier.append(nn.Dropout(dropout))
    classifier.append(nn.Linear(sizes[-2], classes))
    return VGG(nn.Sequential(*features), nn.AdaptiveAvgPool2d((side, side)), nn.Sequential(*classifier))
