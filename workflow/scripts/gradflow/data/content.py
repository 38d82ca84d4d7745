"""What a source holds, and how it is made of folders of images."""

from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from gradflow.data.archives import Member
from gradflow.data.splits import complete_split, stratified_split
from gradflow.errors import GradflowError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")  # torchvision's


@dataclass(frozen=True)
class Content:
    """What a source holds: images, as uint8 [N, C, H, W] or as files to decode; labels and split [N]; class names."""

    images: np.ndarray | list[Member]
    labels: np.ndarray
    split: np.ndarray
    classes: list[str]

    def without(self, rows: list[int]) -> "Content":
        """The same without some of its files."""
        keep = np.setdiff1d(np.arange(len(self.labels)), rows)
        return Content([self.images[i] for i in keep], self.labels[keep], self.split[keep], self.classes)


def by_class(files: list[Member], below: int = 0) -> dict[str, list[Member]]:
    """Return {folder: the images in it}, of the folders so many levels down; a folder without images has none."""
    found: dict[str, list[Member]] = {}
    for file in files:
        folders = file.name.split("/")[:-1]
        if len(folders) > below:
            found.setdefault(folders[below], [])
            if PurePosixPath(file.name).suffix.lower() in IMAGE_SUFFIXES:
                found[folders[below]].append(file)
    return found


def undivided(found: dict[str, list[Member]]) -> Content:
    """Return a content from {class: its images}, split 70/15/15 within each class."""
    labels = np.repeat(np.arange(len(found)), [len(files) for files in found.values()]).astype(np.int64)
    files = [file for files in found.values() for file in files]
    return Content(files, labels, stratified_split(labels), list(found))


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
