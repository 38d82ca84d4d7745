"""The multilayer perceptron of notebook 004."""

from collections import OrderedDict

from torch import nn

from gradflow.models.blocks import ACTIVATIONS


def mlp(
    *,
    classes: int,
    channels: int,
    image_size: int,
    units: int,
    depth: int,
    activation: str,
    output_activation: bool = True,
) -> nn.Module:
    """Return `depth` × (Linear, activation), the activation after the output layer too (notebook 004, cell 4).

    output_activation: whether there is that last one; logits that pass a ReLU have no gradient where they are negative.

    Its inputs are the channels · image_size² numbers of an image; notebook 004's are 10 channels of 1 pixel.
    """
    sizes = [channels * image_size**2] + [units] * (depth - 1) + [classes]
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    for i in range(depth):
        layers[f"lin{i + 1}"] = nn.Linear(sizes[i], sizes[i + 1])
        if output_activation or i + 1 < depth:
            layers[f"act{i + 1}"] = ACTIVATIONS[activation]()
    return nn.Sequential(layers)
