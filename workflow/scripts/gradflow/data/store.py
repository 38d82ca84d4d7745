"""The prepared form of a data set: one folder of memory-mapped arrays that every run reads."""

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from gradflow.data.splits import SPLITS
from gradflow.errors import GradflowError
from gradflow.files import atomic_write

CHUNK = 64  # images counted together: few enough for the processor's cache
FILES = ("images.npy", "labels.npy", "split.npy", "dataset.json")


@dataclass(frozen=True)
class Dataset:
    """Images uint8 [N, C, H, W], labels int64 [N], split int8 [N] (an index into SPLITS), and what identifies them."""

    name: str
    images: np.ndarray
    labels: np.ndarray
    split: np.ndarray
    classes: tuple[str, ...]
    fingerprint: str
    dropped: tuple[str, ...] = ()  # damaged images that were left out

    def indices(self, split: str) -> np.ndarray:
        """The positions of a split's images, int64, in stored order."""
        return np.flatnonzero(self.split == SPLITS.index(split))

    @cached_property
    def statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of each channel of the training images, pixels in 0 ... 1."""
        mean, std = channel_statistics(self.images, self.split == SPLITS.index("train"))
        return tuple(mean.tolist()), tuple(std.tolist())


def save_dataset(
    folder: Path, name: str, images: np.ndarray | Path, labels: np.ndarray, split: np.ndarray, classes, dropped=()
) -> None:
    """Write a prepared data set; `dataset.json` comes last, so that a folder with it is complete.

    Parameters
    ----------
    folder : where to.
    name : what it is called.
    images : uint8 [N, C, H, W], or the .npy file that holds them, which is moved into place.
    labels : int64 [N], positions in `classes`.
    split : int8 [N], positions in `splits.SPLITS`.
    classes : the names of the classes.
    dropped : the names of damaged images that were left out.

    Raises
    ------
    GradflowError : a split would be empty, or the disk is full.
    """
    for i, part in enumerate(SPLITS):
        if not (split == i).any():
            raise GradflowError(
                f"the data set {name!r} is too small for a {part} split: it needs about ten images in every class."
            )
    folder = Path(folder)
    (folder / "dataset.json").unlink(missing_ok=True)
    if isinstance(images, Path):
        with open(images, "rb") as stream:
            os.fsync(stream.fileno())
        images.replace(folder / "images.npy")
    else:
        _write_array(folder / "images.npy", np.ascontiguousarray(images, np.uint8))
    images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
    labels, split = np.ascontiguousarray(labels, np.int64), np.ascontiguousarray(split, np.int8)
    _write_array(folder / "labels.npy", labels)
    _write_array(folder / "split.npy", split)
    mean, std = channel_statistics(images, split == 0)
    facts = {
        "name": name,
        "classes": list(classes),
        "counts": {part: int((split == i).sum()) for i, part in enumerate(SPLITS)},
        "stored": list(images.shape[2:]),
        "mean": [round(float(value), 6) for value in mean],
        "std": [round(float(value), 6) for value in std],
        "dropped": list(dropped),
        "fingerprint": fingerprint(images, labels, split, classes),
    }
    atomic_write(folder / "dataset.json", lambda stream: stream.write(json.dumps(facts, indent=2).encode()))


def fingerprint(images: np.ndarray, labels: np.ndarray, split: np.ndarray, classes) -> str:
    """Return the sha256 over class names, images, labels and split; the images may be mapped from disk."""
    digest = hashlib.sha256(json.dumps(list(classes)).encode())
    for array in (images, labels, split):
        digest.update(str(array.shape).encode())
        for start in range(0, len(array), CHUNK):
            digest.update(array[start : start + CHUNK].tobytes())
    return digest.hexdigest()


def channel_statistics(images: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation [C] of the chosen images' pixels in 0 ... 1, from exact integer sums."""
    channels, count = images.shape[1], 0
    totals, squares = np.zeros(channels, np.int64), np.zeros(channels, np.int64)
    for start in range(0, len(images), CHUNK):
        levels = images[start : start + CHUNK][chosen[start : start + CHUNK]]
        for channel in range(channels):
            histogram = np.bincount(levels[:, channel].ravel(), minlength=256)
            totals[channel] += histogram @ np.arange(256)
            squares[channel] += histogram @ np.arange(256) ** 2
        count += levels[:, 0].size
    mean = totals / count
    return mean / 255, np.sqrt(squares / count - mean**2) / 255


def _write_array(path: Path, array: np.ndarray) -> None:
    atomic_write(path, lambda stream: np.save(stream, array, allow_pickle=False))


def load_dataset(folder: Path, expected: str | None = None) -> Dataset:
    """Open a prepared data set with its images memory-mapped.

    expected: the fingerprint that it must have.
    Raises GradflowError if the folder lacks a file, its arrays do not belong together or it is another data set.
    """
    folder = Path(folder)
    missing = [file for file in FILES if not (folder / file).exists()]
    if missing:
        raise GradflowError(f"{folder} holds no prepared data set ({missing[0]} is missing): prepare it again.")
    try:
        facts = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        images, labels, split = (
            np.load(folder / file, mmap_mode="r" if file == "images.npy" else None, allow_pickle=False)
            for file in FILES[:3]
        )
    except (ValueError, EOFError) as error:
        raise GradflowError(
            f"{folder} holds a damaged data set ({error}): delete the folder to prepare it again."
        ) from error
    if not len(images) == len(labels) == len(split):
        raise GradflowError(
            f"{folder}: images, labels and split differ in length: delete the folder to prepare it again."
        )
    if expected not in (None, facts["fingerprint"]):
        raise GradflowError(
            f"{folder} is not the data set that the run was trained on (its fingerprint is "
            f"{facts['fingerprint'][:12]}…, not {expected[:12]}…): restore that one, or train the run again."
        )
    identity = (tuple(facts["classes"]), facts["fingerprint"], tuple(facts["dropped"]))
    return Dataset(facts["name"], images, labels, split, *identity)
