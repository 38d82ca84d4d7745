"""The prepared form of a data set: one folder of memory-mapped arrays that every run reads."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gradflow.errors import GradflowError
from gradflow.files import atomic_write

SPLITS = ("train", "validation", "test")
SHARES = (0.70, 0.15, 0.15)
FILES = ("images.npy", "labels.npy", "split.npy", "dataset.json")


@dataclass(frozen=True)
class Dataset:
    """Images uint8 [N, 3, S, S], labels int64 [N], split int8 [N] (an index into SPLITS), and what identifies them."""

    name: str
    images: np.ndarray
    labels: np.ndarray
    split: np.ndarray
    classes: tuple[str, ...]
    fingerprint: str

    @property
    def size(self) -> int:
        """The side of an image in pixels."""
        return self.images.shape[-1]

    def indices(self, split: str) -> np.ndarray:
        """The positions of a split's images, int64, in stored order."""
        return np.flatnonzero(self.split == SPLITS.index(split))


def stratified_split(labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """Assign train, validation and test in the shares 70/15/15 within every class; return int8 [N]."""
    generator = np.random.default_rng(seed)
    split = np.zeros(len(labels), dtype=np.int8)
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        bounds = np.round(np.cumsum(SHARES)[:2] * len(members)).astype(int)
        for index, part in enumerate(np.split(members, bounds)):
            split[part] = index
    return split


def save(folder: Path, name: str, images: np.ndarray, labels: np.ndarray, split: np.ndarray, classes) -> None:
    """Write a prepared data set; `dataset.json` comes last, so that a folder with it is complete.

    Raises GradflowError if a split would be empty.
    """
    for i, part in enumerate(SPLITS):
        if not (split == i).any():
            raise GradflowError(
                f"the data set {name!r} is too small for a {part} split: it needs about ten images in every class."
            )
    folder = Path(folder)
    arrays = {
        "images.npy": np.ascontiguousarray(images, np.uint8),
        "labels.npy": np.ascontiguousarray(labels, np.int64),
        "split.npy": np.ascontiguousarray(split, np.int8),
    }
    digest = hashlib.sha256(json.dumps(list(classes)).encode())
    for file, array in arrays.items():
        digest.update(str(array.shape).encode() + array.tobytes())
        atomic_write(folder / file, lambda stream, array=array: np.save(stream, array, allow_pickle=False))
    pixels = arrays["images.npy"][split == 0].astype(np.float32) / 255
    facts = {
        "name": name,
        "classes": list(classes),
        "counts": {part: int((split == i).sum()) for i, part in enumerate(SPLITS)},
        "mean": [round(float(v), 6) for v in pixels.mean((0, 2, 3))],
        "std": [round(float(v), 6) for v in pixels.std((0, 2, 3))],
        "fingerprint": digest.hexdigest(),
    }
    atomic_write(folder / "dataset.json", lambda stream: stream.write(json.dumps(facts, indent=2).encode()))


def load(folder: Path) -> Dataset:
    """Open a prepared data set with its images memory-mapped.

    Raises GradflowError if the folder lacks a file or its arrays do not belong together.
    """
    folder = Path(folder)
    missing = [file for file in FILES if not (folder / file).exists()]
    if missing:
        raise GradflowError(f"{folder} holds no prepared data set ({missing[0]} is missing): prepare it again.")
    try:
        facts = json.loads((folder / "dataset.json").read_text())
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
    return Dataset(facts["name"], images, labels, split, tuple(facts["classes"]), facts["fingerprint"])
