"""Batches: gathered by index on the host, normalised on the device, in the same order whatever the device."""

from collections.abc import Iterator

import numpy as np
import torch

from gradflow.data.arrays import Dataset
from gradflow.data.resizing import resize

# (mean, std) per channel, of pixels in 0 ... 1
NORMALIZATIONS = {
    "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),  # ToTensor only, seed 000
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),  # seeds 001 and 002
}


def batches(
    dataset: Dataset,
    split: str,
    batch_size: int,
    device: torch.device,
    normalization: str,
    size: int,
    shuffle: torch.Generator | None = None,
    first: int = 0,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield (images float32 [B, 3, size, size], labels int64 [B]) over a split once; the last batch may be short.

    Pixels stored at another size are resized as the seeds' `Resize` does it, then scaled to 0 ... 1 and normalised.
    shuffle: a CPU generator that draws this pass's order; None keeps the stored order. In a shuffled pass a last batch
    of a single image is left out: batch norm has nothing to average there. first: the batch to begin with; those before
    it are not gathered.
    """
    order = dataset.indices(split)
    if shuffle is not None:
        order = order[torch.randperm(len(order), generator=shuffle).numpy()]
    mean, std = (torch.tensor(value, device=device).view(1, 3, 1, 1) for value in NORMALIZATIONS[normalization])
    for start in range(first * batch_size, len(order), batch_size):
        rows = order[start : start + batch_size]
        if shuffle is not None and len(rows) == 1:
            return
        pixels, labels = (_to_device(array[rows], device) for array in (dataset.images, dataset.labels))
        yield resize(pixels, size).float().div_(255).sub_(mean).div_(std), labels  # in place: memory is what this costs


def _to_device(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """Copy a gathered array to the device; from pinned memory, so that the host does not wait for a GPU."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor
