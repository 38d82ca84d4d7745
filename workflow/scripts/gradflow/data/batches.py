"""Batches: gathered by index on the host, normalised on the device, in the same order whatever the device."""

from collections.abc import Iterator

import numpy as np
import torch

from gradflow.data.augmentation import draw_views, take_views
from gradflow.data.normalization import channel_scale
from gradflow.data.resize import resize
from gradflow.data.store import Dataset


def batches(
    dataset: Dataset,
    split: str,
    batch_size: int,
    device: torch.device,
    normalization: str,
    size: int,
    shuffle: torch.Generator | None = None,
    first: int = 0,
    crop_padding: int = 0,
    horizontal_flip: bool = False,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield (images float32 [B, C, size, size], labels int64 [B]) over a split once; the last batch may be short.

    Pixels stored at another size are resized as the notebooks' `Resize` does it, then scaled to 0 ... 1 and normalised.
    normalization: as `channel_scale` takes it.
    shuffle: a CPU generator that draws this pass's order; None keeps the stored order. In a shuffled pass a last batch
    of a single image is left out: batch norm has nothing to average there. first: the batch to begin with; those before
    it are not gathered. crop_padding, horizontal_flip: of a shuffled pass, as `draw_views` takes them.
    """
    order = dataset.indices(split)
    if shuffle is not None:
        order = order[torch.randperm(len(order), generator=shuffle).numpy()]
    views = None
    if shuffle is not None and (crop_padding or horizontal_flip):
        views = draw_views(len(order), crop_padding, horizontal_flip, shuffle).numpy()
    mean, std = (torch.tensor(v, device=device).view(1, -1, 1, 1) for v in channel_scale(dataset, normalization))
    for start in range(first * batch_size, len(order), batch_size):
        rows = order[start : start + batch_size]
        if shuffle is not None and len(rows) == 1:
            return
        pixels, labels = (_to_device(array[rows], device) for array in (dataset.images, dataset.labels))
        pixels = resize(pixels, size)
        if views is not None:
            pixels = take_views(pixels, _to_device(views[start : start + batch_size], device), crop_padding)
        yield pixels.float().div_(255).sub_(mean).div_(std), labels  # in place: memory is what this costs


def _to_device(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """Copy a gathered array to the device; from pinned memory, so that the host does not wait for a GPU."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor
