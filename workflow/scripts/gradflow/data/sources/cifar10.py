"""CIFAR-10, from its original python archive."""

import numpy as np

from gradflow.data.content import Content
from gradflow.data.members import Member
from gradflow.data.originals import NOT_OF_THE_FORMAT, trained_and_tested, unpickled
from gradflow.data.sources import Source
from gradflow.errors import GradflowError


def read(files: list[Member], settings: dict) -> Content:
    """Return CIFAR-10 (Krizhevsky 2009): its 50,000 training images, and its test images halved.

    files: the members of the python archive, whose hash was verified: its batches are pickles.
    """
    named = {file.name: file for file in files}
    try:
        classes = [name.decode() for name in unpickled(named["batches.meta"])[b"label_names"]]
        batches = [unpickled(named[f"data_batch_{number}"]) for number in range(1, 6)]
        train = (np.concatenate([batch[what] for batch in batches]) for what in (b"data", b"labels"))
        test = unpickled(named["test_batch"])
        parts = [tuple(train), (test[b"data"], test[b"labels"])]
        return trained_and_tested(*((images.reshape(-1, 3, 32, 32), labels) for images, labels in parts), classes)
    except NOT_OF_THE_FORMAT as error:
        raise GradflowError(f"downloads.cifar10 is not CIFAR-10's python archive ({error}): replace it.") from error


SOURCE = Source(read, downloads={"cifar10": {}}, training_images=lambda settings: 50_000, stored_side=32)
