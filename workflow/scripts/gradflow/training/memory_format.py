"""The order in memory that a network trains in: contiguous, or channels_last, in which some machines convolve faster.

It changes no number but by rounding, so it is no part of what a run is; a result says which one it was.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from gradflow.errors import GradflowError

FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
BLOCK = 16  # channels; see `hindrance`


def set_memory_format(model: nn.Module, wanted: str) -> str:
    """Put a model's weights of four dimensions in a memory format of FORMATS, in place; return what it trains in.

    That is "contiguous" where `hindrance` says why. Raises GradflowError for another name.
    """
    if wanted not in FORMATS:
        raise GradflowError(f"memory_format is {wanted!r}; choose one of {', '.join(FORMATS)}.")
    chosen = "contiguous" if hindrance(model) else wanted
    for weight in _weights_of_images(model):
        weight.data = weight.data.contiguous(memory_format=FORMATS[chosen])
    return chosen


def hindrance(model: nn.Module) -> str | None:
    """Say why a model trains contiguous whatever is wanted; None if it does not.

    On the CPU oneDNN, up to 3.12.0 at least, writes past its memory in the backward pass of a strided 1×1 convolution
    of fewer channels than its block in channels_last (uxlfoundation/oneDNN, issue 6035): wrong gradients, or a crash.
    """
    weights = _weights_of_images(model)
    if not weights:
        return "nothing in it convolves"
    if all(weight.device.type != "cpu" for weight in weights):
        return None
    for name, module in model.named_modules():
        if not isinstance(module, nn.Conv2d) or set(module.kernel_size) != {1} or set(module.stride) == {1}:
            continue
        if module.in_channels // module.groups < BLOCK:
            return f"the strided 1×1 convolution {name} has fewer than {BLOCK} channels, which oneDNN gets wrong"
    return None


def _weights_of_images(model: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in model.parameters() if parameter.dim() == 4]


def is_dense(weight: torch.Tensor) -> bool:
    """Tell whether a weight lies in memory without gaps, in one of FORMATS."""
    images = weight.dim() == 4 and weight.is_contiguous(memory_format=torch.channels_last)
    return weight.is_contiguous() or images


def as_trained(images: torch.Tensor, memory_format: str, dtype: torch.dtype) -> torch.Tensor:
    """Return images [B, C, H, W] in the memory format and number type of the network that sees them."""
    return images.to(dtype, memory_format=FORMATS[memory_format])


@contextmanager
def naming_views(run: str, memory_format: str) -> Iterator[None]:
    """Raise GradflowError where a network cannot train in channels_last, as it takes views of contiguous tensors."""
    try:
        yield
    except RuntimeError as error:
        if memory_format == "contiguous" or "view size is not compatible" not in str(error):
            raise
        raise GradflowError(
            f"{run}: the network calls view() on a tensor that memory_format: {memory_format} keeps in another order; "
            "use flatten() or reshape() there, or set memory_format: contiguous."
        ) from error
