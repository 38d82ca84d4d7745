"""CIFAR-10, from its original python archive."""

import pickle

import numpy as np

from gradflow.data.archives import Member
from gradflow.data.content import Content
from gradflow.data.sources import Source
from gradflow.data.splits import complete_split
from gradflow.errors import GradflowError


def read(files: list[Member], settings: dict) -> Content:
    """Return CIFAR-10 (Krizhevsky 2009): its 50,000 training images, and its test images halved.

    files: the members of the python archive, whose hash was verified: its batches are pickles.
    """
    named = {file.name: file for file in files}
    try:
        names = _unpickle(named["batches.meta"])[b"label_names"]
        parts = [_unpickle(named[f"data_batch_{i}"]) for i in range(1, 6)] + [_unpickle(named["test_batch"])]
        images = np.concatenate([part[b"data"] for part in parts]).reshape(-1, 3, 32, 32)
        labels = np.concatenate([part[b"labels"] for part in parts]).astype(np.int64)
    except (KeyError, ValueError, TypeError, AttributeError, EOFError, pickle.UnpicklingError) as error:
        raise GradflowError(f"downloads.cifar10 is not CIFAR-10's python archive ({error}): replace it.") from error
    held_out = len(parts[-1][b"labels"])
    split = complete_split(labels, np.repeat([0, 2], [len(labels) - held_out, held_out]))
    return Content(images, labels, split, [name.decode() for name in names])


def _unpickle(file: Member) -> dict:
    return pickle.loads(file.read(), encoding="bytes")


SOURCE = Source(read, download="cifar10", training_images=lambda settings: 50_000, stored_side=32)
