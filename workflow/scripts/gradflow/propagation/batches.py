"""Batches for a network that is explained on its own: a folder's images, or a stand-in with the statistics of some."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from gradflow.errors import GradflowError

COLOURS_SHARE = 0.9  # of the variance of natural images' channels, about what they have in common


def stand_in(size: Sequence[int], batch: int, seed: int) -> torch.Tensor:
    """Return random inputs [batch, *size] of mean 0 and variance 1 over the batch.

    Images [C, H, W] have the power spectrum of natural ones, 1/f² (Field 1987, section 4), and channels that are alike;
    inputs of another shape are standard normal.
    """
    generator = torch.Generator().manual_seed(seed)
    if len(size) != 3:
        return torch.randn(batch, *size, generator=generator)
    channels, height, width = size
    square = torch.fft.fftfreq(height)[:, None] ** 2 + torch.fft.rfftfreq(width)[None, :] ** 2
    square[0, 0] = 1 / (max(height, width) ** 2)  # the mean of an image varies as its slowest waves do

    def drawn(count: int) -> torch.Tensor:
        noise = torch.fft.rfft2(torch.randn(batch, count, height, width, generator=generator))
        image = torch.fft.irfft2(noise / square.sqrt(), s=(height, width))
        return image / image.std()

    images = COLOURS_SHARE**0.5 * drawn(1) + (1 - COLOURS_SHARE) ** 0.5 * drawn(channels)
    return (images - images.mean()) / images.std()


def of_folder(folder: Path, size: Sequence[int], batch: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Return a random batch of a folder's or an archive's training images, their labels, and the number of classes.

    Each channel has mean 0 and variance 1 over the batch. Raises GradflowError for a size that is no RGB image's, for
    files that are no images, and for fewer than a batch of them.
    """
    import numpy as np

    from gradflow.data.archives import members
    from gradflow.data.decode import decode
    from gradflow.data.sources import get_source

    if len(size) != 3 or size[0] != 3:
        raise GradflowError(f"--data gives images of 3 channels, not inputs of {'×'.join(map(str, size))}.")
    with tempfile.TemporaryDirectory() as scratch:
        content = get_source("folder").read(members(folder, Path(scratch) / "archive.tar"), {})
        rows = np.flatnonzero(content.split == 0)
        if len(rows) < batch:
            raise GradflowError(f"{folder} has {len(rows)} images to train on, fewer than the batch of {batch}.")
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[:batch].numpy()
        files = [content.images[row] for row in rows[order]]
        damaged = decode(files, out := Path(scratch) / "images.npy", tuple(size[1:]), workers=1)
        if damaged:
            raise GradflowError(f"{files[damaged[0][0]].name} in {folder} cannot be decoded ({damaged[0][1]}).")
        images = torch.from_numpy(np.load(out)).float()
    spread, mean = torch.std_mean(images, dim=(0, 2, 3), keepdim=True)
    return (images - mean) / spread.clamp_min(1), torch.from_numpy(content.labels[rows[order]]), len(content.classes)
