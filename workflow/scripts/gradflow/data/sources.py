"""Where images come from: embedded digits, CIFAR-10, Tiny ImageNet and classes made of its own, or any image folder."""

import hashlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from gradflow.data.splits import complete_split, stratified_split
from gradflow.errors import GradflowError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm")
SPLIT_FOLDERS = {"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "test": 2, "testing": 2}
JUNK = "__MACOSX"

# What a source needs to be fetched: its entry under `downloads`.
DOWNLOADS = {"cifar10": "cifar10", "tiny_imagenet": "tiny_imagenet"}


@dataclass(frozen=True)
class Content:
    """What a source holds: images, as uint8 [N, 3, H, W] or as files to decode; labels and split [N]; class names."""

    images: np.ndarray | list[Path]
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
    files = [root] if root.is_file() else sorted(file for file in root.rglob("*") if file.is_file())
    facts = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def digits(root: None, settings: dict) -> Content:
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


def cifar10(root: Path, settings: dict) -> Content:
    """Return CIFAR-10 (Krizhevsky 2009): its 50,000 training images, and its test images halved.

    root: where the python archive was unpacked, after its hash was verified: its batches are pickles.
    """
    folder = _inside(root)
    try:
        names = _unpickle(folder / "batches.meta")[b"label_names"]
        parts = [_unpickle(folder / f"data_batch_{i}") for i in range(1, 6)] + [_unpickle(folder / "test_batch")]
        images = np.concatenate([part[b"data"] for part in parts]).reshape(-1, 3, 32, 32)
        labels = np.concatenate([part[b"labels"] for part in parts]).astype(np.int64)
    except (OSError, KeyError, ValueError, pickle.UnpicklingError) as error:
        raise GradflowError(f"downloads.cifar10 is not CIFAR-10's python archive ({error}): replace it.") from error
    held_out = len(parts[-1][b"labels"])
    split = complete_split(labels, np.repeat([0, 2], [len(labels) - held_out, held_out]))
    return Content(images, labels, split, [name.decode() for name in names])


def _unpickle(path: Path) -> dict:
    with open(path, "rb") as stream:
        return pickle.load(stream, encoding="bytes")


def tiny_imagenet(root: Path, settings: dict) -> Content:
    """Return Tiny ImageNet (Le & Yang 2015), or with `groups` the classes made of its own.

    Without groups: the training images of all classes; the labelled validation images are halved into validation and
    test. With groups, {class: [wnid, ...]}: the training images of those, split 70/15/15 within each class.

    Raises GradflowError if a file of the original layout is missing, or a wnid is none of its classes.
    """
    folder = _inside(root)
    try:
        wnids = sorted((folder / "wnids.txt").read_text().split())
        words = dict(line.split("\t", 1) for line in (folder / "words.txt").read_text().splitlines() if "\t" in line)
        held_out = [line.split("\t")[:2] for line in (folder / "val" / "val_annotations.txt").read_text().splitlines()]
    except (OSError, ValueError) as error:
        raise GradflowError(f"downloads.tiny_imagenet is not Tiny ImageNet's archive ({error}): replace it.") from error
    train = {wnid: _images_in(folder / "train" / wnid / "images") for wnid in wnids}
    groups = settings.get("groups")
    if groups:
        unknown = next((wnid for members in groups.values() for wnid in members if wnid not in train), None)
        if unknown:
            raise GradflowError(
                f"config: groups names {unknown!r}, which is no class of Tiny ImageNet; see its wnids.txt."
            )
        return _undivided({name: [file for w in members for file in train[w]] for name, members in groups.items()})
    held = sorted((folder / "val" / "images" / name, wnids.index(wnid)) for name, wnid in held_out if wnid in train)
    files = [file for wnid in wnids for file in train[wnid]] + [file for file, _ in held]
    labels = np.repeat(np.arange(len(wnids)), [len(train[wnid]) for wnid in wnids])
    labels = np.concatenate([labels, [label for _, label in held]]).astype(np.int64)
    split = complete_split(labels, np.repeat([0, 2], [len(files) - len(held), len(held)]))
    names = [words.get(wnid, wnid).split(",")[0] for wnid in wnids]
    return Content(files, labels, split, [n if names.count(n) == 1 else f"{n} {w}" for n, w in zip(names, wnids)])


def image_folder(root: Path, settings: dict) -> Content:
    """Return any folder of images: class folders, split 70/15/15; or train, val and test with class folders in each.

    Where only one of val and test is there, it is halved. Raises GradflowError if there are no two classes with images.
    """
    folder = _inside(root)
    ready = {
        entry.name: SPLIT_FOLDERS[entry.name.lower()]
        for entry in _folders(folder)
        if entry.name.lower() in SPLIT_FOLDERS
    }
    if 0 not in ready.values() or len(set(ready.values())) < 2:
        return _undivided({entry.name: _images_in(entry) for entry in _folders(folder)}, folder)
    classes = sorted({entry.name for part in ready for entry in _folders(folder / part)})
    found = [
        (file, label, index)
        for part, index in sorted(ready.items(), key=lambda item: item[1])
        for label, name in enumerate(classes)
        for file in _images_in(folder / part / name)
    ]
    if len(classes) < 2 or {label for _, label, index in found if index == 0} != set(range(len(classes))):
        raise GradflowError(f"{folder} needs two or more class folders, each with images, in its training part.")
    files, labels, split = zip(*found)
    labels = np.array(labels, np.int64)
    return Content(list(files), labels, complete_split(labels, np.array(split)), classes)


def _undivided(files: dict[str, list[Path]], folder: Path | str = "the archive") -> Content:
    empty = [name for name, found in files.items() if not found]
    if len(files) < 2 or empty:
        what = f"{empty[0]!r} holds none" if empty else f"found {len(files)} class folders"
        raise GradflowError(f"{folder} needs two or more class folders with images in them; {what}.")
    labels = np.repeat(np.arange(len(files)), [len(found) for found in files.values()]).astype(np.int64)
    return Content([file for found in files.values() for file in found], labels, stratified_split(labels), list(files))


def _inside(folder: Path) -> Path:
    """Go down as long as there is nothing but one folder: archives often hold everything in one."""
    while True:
        entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".") and entry.name != JUNK]
        if len(entries) != 1 or not entries[0].is_dir():
            return folder
        folder = entries[0]


def _folders(folder: Path) -> list[Path]:
    found = (entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    return sorted(entry for entry in found if entry.name != JUNK)


def _images_in(folder: Path) -> list[Path]:
    """Return the images below a folder, hidden ones left out, in the order of their names."""
    return sorted(
        file for file in folder.rglob("*") if file.suffix.lower() in IMAGE_SUFFIXES and not file.name.startswith(".")
    )


SOURCES: dict[str, Callable[[Path | None, dict], Content]] = {
    "digits": digits,
    "cifar10": cifar10,
    "tiny_imagenet": tiny_imagenet,
    "folder": image_folder,
}
