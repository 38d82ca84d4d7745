"""The formats in which data sets were first published: CIFAR's pickles, IDX, and Matlab's."""

import gzip
import io
import pickle
import zlib

import numpy as np

from gradflow.data.content import Content
from gradflow.data.members import Member
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


def idx_content(files: list[Member], name: str, classes: list[str]) -> Content:
    """Return a data set of four IDX files of grey images, as RGB: its training images, and its test images halved.

    files: called name_train_images, name_train_labels, name_test_images and name_test_labels.
    Raises GradflowError for files of another format.
    """
    named = {file.name: file for file in files}
    try:
        train, test = (
            (as_colour(from_idx(named[f"{name}_{part}_images"])), from_idx(named[f"{name}_{part}_labels"]))
            for part in ("train", "test")
        )
        return trained_and_tested(train, test, classes)
    except NOT_OF_THE_FORMAT as error:
        raise GradflowError(f"its downloads are not the IDX files of {name} ({error}): replace them.") from error


def idx_downloads(name: str, mirrors: tuple[str, ...], facts: dict[str, tuple[str, int]]) -> dict[str, dict]:
    """Return the four downloads of a data set of IDX files, by their names.

    facts: (sha256, bytes) of train-images, train-labels, t10k-images and t10k-labels, by these names.
    """
    files = {"train-images": 3, "train-labels": 1, "t10k-images": 3, "t10k-labels": 1}
    return {
        f"{name}_{file.replace('t10k', 'test').replace('-', '_')}": {
            "urls": [f"{mirror}/{file}-idx{dimensions}-ubyte.gz" for mirror in mirrors],
            "sha256": facts[file][0],
            "bytes": facts[file][1],
        }
        for file, dimensions in files.items()
    }
