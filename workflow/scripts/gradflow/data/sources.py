"""Where images come from: embedded digits, CIFAR-10, Tiny ImageNet and classes made of its own, or any image folder."""

import hashlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from gradflow.data.archives import Member, walk
from gradflow.data.splits import complete_split, stratified_split
from gradflow.errors import GradflowError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")  # torchvision's
SPLIT_FOLDERS = {"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "test": 2, "testing": 2}

# What a source needs to be fetched: its entry under `downloads`.
DOWNLOADS = {"cifar10": "cifar10", "tiny_imagenet": "tiny_imagenet"}


@dataclass(frozen=True)
class Content:
    """What a source holds: images, as uint8 [N, 3, H, W] or as files to decode; labels and split [N]; class names."""

    images: np.ndarray | list[Member]
    labels: np.ndarray
    split: np.ndarray
    classes: list[str]

    def without(self, rows: list[int]) -> "Content":
        """The same without some of its files."""
        keep = np.setdiff1d(np.arange(len(self.labels)), rows)
        return Content([self.images[i] for i in keep], self.labels[keep], self.split[keep], self.classes)


def needed_download(settings: dict) -> str | None:
    """Return the name, under `downloads`, of the archive that a data set is made from; None if it needs none."""
    return DOWNLOADS.get(settings["source"], settings.get("download"))


def listing(settings: dict) -> str:
    """Return a digest of what the user's own folder or archive holds: its files' names, sizes and times."""
    if not settings.get("path"):
        return ""
    root = Path(settings["path"])
    files = [root] if root.is_file() else sorted(walk(root))
    facts = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def digits(files: list[Member], settings: dict) -> Content:
    """Return scikit-learn's 1,797 handwritten digits as grey RGB images of side `size`, split 70/15/15.

    They come as 8×8 counts of 0 ... 16 (Alpaydin & Kaynak 1998) and are enlarged bilinearly.
    """
    from sklearn.datasets import load_digits

    size, raw = settings["size"], load_digits()
    grey = np.round(raw.images * (255 / 16)).astype(np.uint8)
    enlarged = [np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR)) for image in grey]
    images = np.repeat(np.stack(enlarged)[:, None], 3, axis=1)
    labels = raw.target.astype(np.int64)
    return Content(images, labels, stratified_split(labels), [str(digit) for digit in raw.target_names])


def cifar10(files: list[Member], settings: dict) -> Content:
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


def tiny_imagenet(files: list[Member], settings: dict) -> Content:
    """Return Tiny ImageNet (Le & Yang 2015), or with `groups` the classes made of its own.

    Without groups: the training images of all classes; the labelled validation images are halved into validation and
    test. With groups, {class: [wnid, ...]}: the training images of those, split 70/15/15 within each class.

    Raises GradflowError if a file of the original layout is missing, or a wnid is none of its classes.
    """
    named = {file.name: file for file in files}
    try:
        wnids = sorted(named["wnids.txt"].read().decode().split())
        words = dict(line.split("\t", 1) for line in _lines(named["words.txt"]) if "\t" in line)
        annotations = [line.split("\t")[:2] for line in _lines(named["val/val_annotations.txt"])]
        held = [(named[f"val/images/{name}"], wnids.index(wnid), 2) for name, wnid in annotations]
    except (KeyError, ValueError) as error:
        raise GradflowError(f"downloads.tiny_imagenet is not Tiny ImageNet's archive ({error}): replace it.") from error
    train = by_class([file for file in files if file.name.startswith("train/")], below=1)
    groups = settings.get("groups")
    if groups:
        unknown = next((wnid for wanted in groups.values() for wnid in wanted if wnid not in train), None)
        if unknown:
            raise GradflowError(
                f"groups names {unknown!r}, which is no class of Tiny ImageNet; its wnids.txt has them all."
            )
        return _undivided({name: [file for w in wanted for file in train[w]] for name, wanted in groups.items()})
    names = [words.get(wnid, wnid).split(",")[0] for wnid in wnids]
    classes = [name if names.count(name) == 1 else f"{name} {wnid}" for name, wnid in zip(names, wnids)]
    found = [(file, wnids.index(wnid), 0) for wnid in wnids for file in train.get(wnid, [])]
    return _divided(found + held, classes)


def image_folder(files: list[Member], settings: dict) -> Content:
    """Return any folder of images: class folders, split 70/15/15; or train, val and test with class folders in each.

    Where only one of val and test is there, it is halved. Raises GradflowError if there are no two classes with images,
    and for a folder beside ready splits that is none of them.
    """
    tops = by_class(files)
    # A folder that is called train may be a class of trains: a split has class folders in it.
    splits = [top for top in tops if top.lower() in SPLIT_FOLDERS and all(m.name.count("/") > 1 for m in tops[top])]
    ready = {top: SPLIT_FOLDERS[top.lower()] for top in splits}
    if not ready:
        return _undivided(tops)
    others = [top for top in tops if top not in ready and tops[top]]
    if others or 0 not in ready.values() or len(set(ready.values())) < 2:
        found = ", ".join([*ready, *others])
        raise GradflowError(
            f"ready splits are in the folders train, and val or test or both, but here are {found}: "
            "rename or remove what does not belong."
        )
    parts = {top: by_class(tops[top], below=1) for top in ready}
    classes = sorted({name for part in parts.values() for name in part})
    found = [
        (file, label, ready[top])
        for top in sorted(parts, key=ready.get)
        for label, name in enumerate(classes)
        for file in parts[top].get(name, [])
    ]
    return _divided(found, classes)


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


def _undivided(found: dict[str, list[Member]]) -> Content:
    check_classes(list(found), {name for name, files in found.items() if files})
    labels = np.repeat(np.arange(len(found)), [len(files) for files in found.values()]).astype(np.int64)
    files = [file for files in found.values() for file in files]
    return Content(files, labels, stratified_split(labels), list(found))


def _divided(found: list[tuple[Member, int, int]], classes: list[str]) -> Content:
    """Return a content from (image, label, split) triples."""
    check_classes(classes, {classes[label] for _, label, split in found if split == 0})
    files, labels, split = (list(column) for column in zip(*found))
    labels = np.array(labels, np.int64)
    return Content(files, labels, complete_split(labels, np.array(split)), classes)


def check_classes(classes: list[str], with_images: set[str]) -> None:
    """Raise GradflowError unless there are two classes or more, each with images to train on."""
    empty = [name for name in classes if name not in with_images]
    if len(classes) < 2 or empty:
        what = f"{empty[0]!r} has none" if empty else f"found {len(classes)} class folders"
        raise GradflowError(f"it needs two or more class folders, each with images to train on; {what}.")


def _lines(file: Member) -> list[str]:
    return file.read().decode().splitlines()


SOURCES: dict[str, Callable[[list[Member], dict], Content]] = {
    "digits": digits,
    "cifar10": cifar10,
    "tiny_imagenet": tiny_imagenet,
    "folder": image_folder,
}
