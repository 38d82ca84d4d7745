"""What a source holds, and how it is made of folders of images."""

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gradflow.data.members import Member
from gradflow.data.splits import SHARES, SPLITS, complete_split, stratified_split
from gradflow.errors import GradflowError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")  # torchvision's


@dataclass(frozen=True)
class Content:
    """What a source holds: images, as uint8 [N, C, H, W] or as files to decode; labels and split [N]; class names.

    left_out: how many files of each kind are none of its images. notes: what else is to be said of it, in sentences.
    """

    images: np.ndarray | list[Member]
    labels: np.ndarray
    split: np.ndarray
    classes: list[str]
    left_out: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def without(self, rows: list[int]) -> "Content":
        """The same without some of its files."""
        keep = np.setdiff1d(np.arange(len(self.labels)), rows)
        images = [self.images[i] for i in keep]
        return replace(self, images=images, labels=self.labels[keep], split=self.split[keep])

    def saying(self, left_out: Mapping[str, int] = {}, notes: Sequence[str] = ()) -> "Content":
        """The same with more that is said of it."""
        left_out = self.left_out | {kind: count for kind, count in left_out.items() if count}
        return replace(self, left_out=left_out, notes=(*self.notes, *notes))


def is_image(name: str) -> bool:
    """Whether a file is an image by its name."""
    return suffix(name) in IMAGE_SUFFIXES


def suffix(name: str) -> str:
    """The end of a file's name that says its format, in small letters, with its dot."""
    return posixpath.splitext(name)[1].lower()


def shown(names: Iterable[str], most: int = 5) -> str:
    """Return names of people's files for a sentence, no more than so many; odd letters are written out."""
    written = [repr(name)[1:-1] for name in names]
    return ", ".join(written[:most]) + (f", ... ({len(written):,} in all)" if len(written) > most else "")


def by_class(files: list[Member], below: int = 0) -> dict[str, list[Member]]:
    """Return {folder: the images in it}, of the folders so many levels down; a folder without images has none."""
    found: dict[str, list[Member]] = {}
    for file in files:
        folders = file.name.split("/")[:-1]
        if len(folders) > below:
            found.setdefault(folders[below], [])
            if is_image(file.name):
                found[folders[below]].append(file)
    return found


def undivided(found: dict[str, list[Member]], shares: tuple[float, ...] = SHARES) -> Content:
    """Return a content from {class: its images}, split in these shares within each class."""
    labels = np.repeat(np.arange(len(found)), [len(files) for files in found.values()]).astype(np.int64)
    files = [file for files in found.values() for file in files]
    return Content(files, labels, stratified_split(labels, shares), list(found))


def divided(found: list[tuple[Member, int, int]], classes: list[str]) -> Content:
    """Return a content from (image, label, split) triples; where only one of val and test is there, it is halved."""
    files, labels, split = ([triple[i] for triple in found] for i in range(3))
    labels = np.array(labels, np.int64)
    return Content(files, labels, complete_split(labels, np.array(split, np.int8)), classes)


def check_classes(content: Content) -> None:
    """Raise GradflowError unless there are two classes or more, each with images to train on."""
    with_images = {content.classes[label] for label in np.unique(content.labels[content.split == 0])}
    empty = [name for name in content.classes if name not in with_images]
    if len(content.classes) < 2 or empty:
        what = f"{empty[0]!r} has none" if empty else f"found {len(content.classes)}"
        raise GradflowError(f"it needs two or more classes, each with images to train on; {what}.")


def thin_classes(content: Content) -> list[str]:
    """Return a sentence for each split that lacks images of some classes, which names these classes."""
    counts = np.zeros((len(content.classes), len(SPLITS)), int)
    np.add.at(counts, (content.labels, content.split), 1)
    return [
        f"There is no {part} image of these classes (images in all): "
        + shown((f"{content.classes[label]} ({counts[label].sum():,})" for label in lacking), len(lacking))
        + "."
        for part, lacking in zip(SPLITS, (np.flatnonzero(of_split == 0) for of_split in counts.T))
        if len(lacking)
    ]


def remarks(left_out: Mapping[str, int], notes: Sequence[str]) -> list[str]:
    """Return what is to be said of a source beside its images, a sentence each: what was left out, and its notes."""
    kinds = shown((f"{kind} ({count:,})" for kind, count in left_out.items()), len(left_out))
    return [f"Left out: {kinds}."] * bool(left_out) + list(notes)


def check_form(content: Content, channels: int) -> None:
    """Raise GradflowError unless there are as many images as labels, and images that are no files are bytes.

    Floats would be cut to bytes in silence.
    """
    images, labels = content.images, content.labels
    form = "files" if isinstance(images, list) else f"{images.dtype} {list(images.shape)}"
    right = form == "files" or (images.dtype == np.uint8 and images.ndim == 4 and images.shape[1] == channels)
    if not right or not len(images) == len(labels) == len(content.split):
        raise GradflowError(
            f"its {len(images)} images are {form}, with {len(labels)} labels and {len(content.split)} places in the "
            f"split; they must be files or uint8 [N, {channels}, height, width], with one of each: mend its source."
        )
