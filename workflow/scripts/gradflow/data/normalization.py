"""How pixels in 0 ... 1 are normalised: not at all, by ImageNet's statistics, or by the data set's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradflow.errors import GradflowError

if TYPE_CHECKING:  # planning needs no arrays
    from gradflow.data.store import Dataset

# (mean, std) per channel: what seeds 001 and 002 take
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def check_normalization(normalization: str, channels: int, dataset: str) -> None:
    """Raise GradflowError for ImageNet's statistics with other than three channels."""
    if normalization == "imagenet" and channels != len(IMAGENET[0]):
        raise GradflowError(
            f"normalization: imagenet is for images of three channels, those of {dataset} have {channels}; choose none "
            "or dataset."
        )


def channel_scale(dataset: Dataset, normalization: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return what is taken off each channel of pixels in 0 ... 1, and what the rest is divided by.

    none: nothing (ToTensor only, notebook 000). imagenet: ImageNet's mean and standard deviation. dataset: those of the
    data set's own training images.

    Raises GradflowError for ImageNet's with other than three channels, and for a channel without any contrast.
    """
    channels = dataset.images.shape[1]
    check_normalization(normalization, channels, dataset.name)
    if normalization == "none":
        return (0.0,) * channels, (1.0,) * channels
    if normalization == "imagenet":
        return IMAGENET
    mean, std = dataset.statistics
    if min(std) <= 0:
        raise GradflowError(
            f"normalization: a channel of {dataset.name} has the same value in every training image (standard "
            "deviation 0); choose none, or leave that channel out."
        )
    return mean, std
