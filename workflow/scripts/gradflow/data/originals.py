"""The formats in which data sets were first published: CIFAR's pickles, IDX, and Matlab's."""

import gzip
import io
import pickle
import zlib

import numpy as np

from gradflow.data.content import Content
from gradflow.data.members import Member
from gradflow.data.sources import Source
from gradflow.data.splits import complete_split
from gradflow.errors import GradflowError

# What is raised on bytes that are of another format.
NOT_OF_THE_FORMAT = (
    *(KeyError, ValueError, TypeError, AttributeError, IndexError, NotImplementedError, OSError, EOFError),
    *(pickle.UnpicklingError, zlib.error),
)
IDX_BYTES = 8  # the code of unsigned bytes, the one kind that is read


def unpickled(file: Member) -> dict:
    """Return what a batch of CIFAR holds; a pickle runs what it says, so its hash must have been verified."""
    return pickle.loads(file.read(), encoding="bytes")


def from_idx(file: Member) -> np.ndarray:
    """Return the array of a gzipped IDX file of bytes, as MNIST's: LeCun's format, uint8 [N, ...].

    Raises ValueError for another kind or another length than its header says.
    """
    content = gzip.decompress(file.read())
    zeros, kind, dimensions = int.from_bytes(content[:2]), content[2], content[3]
    if zeros or kind != IDX_BYTES:
        raise ValueError("it is no IDX file of bytes")
    shape = np.frombuffer(content, ">u4", dimensions, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def from_matlab(file: Member) -> dict[str, np.ndarray]:
    """Return the arrays of a Matlab file of version 5, by their names. Raises ValueError for bytes that are none."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        return loadmat(io.BytesIO(file.read()))
    except MatReadError as error:
        raise ValueError(str(error)) from error


def as_colour(grey: np.ndarray) -> np.ndarray:
    """Return grey images [N, H, W] as RGB [N, 3, H, W], each channel the same."""
    return np.repeat(grey[:, None], 3, axis=1)


def trained_and_tested(train: tuple, test: tuple, classes: list[str]) -> Content:
    """Return a data set of (images uint8 [N, C, H, W], labels [N]) to train on, and to test by: those are halved."""
    images, labels = (np.concatenate([one, other]) for one, other in zip(train, test))
    labels = labels.astype(np.int64)
    if not len(images) == len(labels) or labels.min() < 0 or labels.max() >= len(classes):
        raise ValueError("images and labels do not belong together")
    split = complete_split(labels, np.repeat([0, 2], [len(train[1]), len(test[1])]))
    return Content(images, labels, split, classes)


def idx_source(name: str, mirrors: tuple[str, ...], facts: dict[str, tuple[str, int]], classes: list[str]) -> Source:
    """Return a source of 60,000 and 10,000 grey images of 28×28 in four IDX files, as MNIST's.

    It is read as RGB: its training images, and its test images halved; GradflowError is raised for files of another
    format. facts: (sha256, bytes) of train-images, train-labels, t10k-images and t10k-labels, by these names.
    """

    def read(files: list[Member], settings: dict) -> Content:
        named = {file.name: file for file in files}
        try:
            train, test = (
                (as_colour(from_idx(named[f"{name}_{part}_images"])), from_idx(named[f"{name}_{part}_labels"]))
                for part in ("train", "test")
            )
            return trained_and_tested(train, test, classes)
        except NOT_OF_THE_FORMAT as error:
            raise GradflowError(f"its downloads are not the IDX files of {name} ({error}): replace them.") from error

    downloads = {
        f"{name}_{file.replace('t10k', 'test').replace('-', '_')}": {
            "urls": [f"{mirror}/{file}-idx{3 if file.endswith('images') else 1}-ubyte.gz" for mirror in mirrors],
            "sha256": sha256,
            "bytes": size,
        }
        for file, (sha256, size) in facts.items()
    }
    return Source(read, downloads=downloads, packed=False, training_images=lambda settings: 60_000, stored_side=28)
