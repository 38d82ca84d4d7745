"""What a run trains on: its batches, and the loss of its network's answers."""

from collections.abc import Iterator

import torch
from torch.nn.functional import cross_entropy

from gradflow.data.batches import batches
from gradflow.data.store import Dataset
from gradflow.runs import Run


def training_batches(
    run: Run, dataset: Dataset, device: torch.device, shuffle: torch.Generator, first: int = 0
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield images and labels of one pass over the training images, as `batches` does, from a batch on."""
    return batches(
        dataset,
        "train",
        run.batch_size,
        device,
        run.normalization,
        run.image_size,
        shuffle,
        first,
        crop_padding=run.crop_padding,
        horizontal_flip=run.horizontal_flip,
    )


def training_loss(run: Run, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy, in nats, of logits [B, classes] and labels int64 [B], smoothed as the run says."""
    return cross_entropy(logits, labels, label_smoothing=run.label_smoothing)
