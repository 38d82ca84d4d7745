"""The size of a network: what is counted of it, and an inspection of it before anything is trained."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from gradflow.errors import GradflowError
from gradflow.models.catalogue import Architecture

T = TypeVar("T")
CLASSES = 10  # of a network that is inspected before its data set is there


class Size(NamedTuple):
    """A network's FLOPs forward and backward, bytes of activations (both an image, float32), and its parameters."""

    flops: int
    activation_bytes: int
    parameters: int


class Inspection(NamedTuple):
    """What is known of a network before it is trained: its layers, those beside the main path, and its size."""

    layers: list[str]
    beside: list[str]
    size: Size


def inspect_network(architecture: Architecture, options: dict, image_size: int, channels: int = 3) -> Inspection:
    """Build a network without memory, let two images through it, and say what it is like.

    Parameters
    ----------
    architecture : an entry as in the catalogue.
    options : those of its options that are not at their default.
    image_size, channels : of the images, [2, channels, image_size, image_size].

    Returns
    -------
    Its layers, those beside the main path, and its size: the FLOPs are three times those of the forward pass, the
    activations the outputs of all its innermost modules, both of one image.

    Raises
    ------
    GradflowError : options that its builder refuses, images that do not fit, or no convolution or linear layer.
    """
    import torch

    from gradflow.models.build import build
    from gradflow.models.main_path import beside_main_path
    from gradflow.recorder.layers import select_layers

    shape, built = {"channels": channels, "image_size": image_size}, []

    def inspect(device: str) -> Inspection:
        model = build(architecture, classes=CLASSES, **shape, **options)
        built.append(model)
        images = torch.zeros(2, channels, image_size, image_size)
        flops, activations = _count(model, images)
        parameters = sum(parameter.numel() for parameter in model.parameters())
        layers = [name for name, one in select_layers(model, None).items() if one.certain]
        return Inspection(layers, beside_main_path(model, images), Size(flops, activations, parameters))

    try:
        return without_memory(inspect)
    except GradflowError:
        raise
    except Exception as error:
        what = f"images of {channels}×{image_size}×{image_size} do not fit" if built else "it cannot be built"
        raise GradflowError(f"{what} ({first_line(error)})") from error


def first_line(error: BaseException) -> str:
    """Return what an exception says first, without a full stop, or its kind if it says nothing."""
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__


def without_memory(work: Callable[[str], T]) -> T:
    """Return what `work` does on the meta device, or if it cannot there, on the CPU; it is given the device's name.

    Code of others may read values, which tensors on the meta device have not. What it raises on the CPU goes on.
    """
    import torch

    try:
        with torch.device("meta"):
            return work("meta")
    except GradflowError:
        raise
    except Exception:  # other people's code fails in any way
        with torch.device("cpu"):
            return work("cpu")


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
