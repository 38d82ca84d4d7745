"""The size of a network: what is counted of it, and a look into it before anything is trained."""

from typing import NamedTuple

from gradflow.errors import GradflowError
from gradflow.models.catalogue import Architecture
from gradflow.runs import MODEL_OPTIONS

NETWORK = ("architecture", *MODEL_OPTIONS, "image_size", "classes", "optimizer")  # what a row of cost.csv is about
COUNTED = ("parameters", "unused", "mflop", "activation_mib")  # of a network, exactly; with _full, at full width
CLASSES = 10  # of a network that is looked into before its data set is there


class Size(NamedTuple):
    """A network's FLOPs forward and backward, bytes of activations (both an image, float32), and its parameters."""

    flops: int
    activation_bytes: int
    parameters: int


class Look(NamedTuple):
    """What is known of a network before it is trained: its layers, those beside the main path, and its size."""

    layers: list[str]
    beside: list[str]
    size: Size


def look_into(architecture: Architecture, options: dict, image_size: int, channels: int = 3) -> Look:
    """Build a network without memory, let two images through it, and say what it is like.

    The FLOPs are three times those of the forward pass, the activations the outputs of all its innermost modules.

    Raises GradflowError for options that its builder refuses, for images that do not fit, and for a network without a
    convolution or linear layer.
    """
    import torch

    from gradflow.layers import select
    from gradflow.main_path import beside_main_path
    from gradflow.models.build import build

    shape = {"channels": channels, "image_size": image_size}
    model, images = None, None
    for device in ("meta", "cpu"):  # code of others may look at values, which the meta device has not
        try:
            with torch.device(device):
                model = build(architecture, classes=CLASSES, **shape, **options)
                images = torch.zeros(2, channels, image_size, image_size)
                flops, activations = _count(model, images)
                return Look(
                    list(select(model, None)),
                    beside_main_path(model, images),
                    Size(flops, activations, sum(parameter.numel() for parameter in model.parameters())),
                )
        except GradflowError:
            raise
        except Exception as error:  # other people's code fails in any way
            reason = error
    said = str(reason).splitlines()[0].rstrip(".") if str(reason) else type(reason).__name__
    what = f"images of {channels}×{image_size}×{image_size} do not fit" if model is not None else "it cannot be built"
    raise GradflowError(f"{what} ({said})") from reason


def _count(model, images) -> tuple[int, int]:
    """Return the FLOPs forward and backward, and the bytes of activations, of one image of a batch of two."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    outputs: list[int] = []
    handles = [
        module.register_forward_hook(lambda module, inputs, output: outputs.append(_numel(output)))
        for module in model.modules()
        if not list(module.children())
    ]
    with FlopCounterMode(display=False) as counter:
        logits = model(images)
    for handle in handles:
        handle.remove()
    if not isinstance(logits, torch.Tensor) or logits.shape != (len(images), CLASSES):
        said = list(logits.shape) if isinstance(logits, torch.Tensor) else f"a {type(logits).__name__}"
        raise GradflowError(f"its output for two images and {CLASSES} classes is {said}, not [2, {CLASSES}]")
    return 3 * counter.get_total_flops() // 2, 4 * sum(outputs) // 2


def _numel(output) -> int:
    """Count the elements of what a module returned."""
    if isinstance(output, dict):
        output = tuple(output.values())
    return sum(map(_numel, output)) if isinstance(output, (tuple, list)) else getattr(output, "numel", int)()
