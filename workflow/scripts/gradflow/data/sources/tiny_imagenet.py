"""Tiny ImageNet, from its original archive, or with `groups` the classes made of its own."""

from typing import Annotated

from pydantic import BaseModel, Field

from gradflow.data.content import Content, by_class, divided, undivided
from gradflow.data.members import Member
from gradflow.data.sources import Source
from gradflow.data.splits import SHARES
from gradflow.errors import GradflowError

CLASSES, IMAGES_PER_WNID = 200, 500  # to train on
Wnids = Annotated[list[str], Field(min_length=1)]


class Settings(BaseModel):
    """The classes."""

    groups: Annotated[dict[str, Wnids], Field(min_length=2)] | None = Field(
        None, description="Classes to make of its own, each a list of its wnids."
    )


def read(files: list[Member], settings: dict) -> Content:
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
        return undivided({name: [file for w in wanted for file in train[w]] for name, wanted in groups.items()})
    names = [words.get(wnid, wnid).split(",")[0] for wnid in wnids]
    classes = [name if names.count(name) == 1 else f"{name} {wnid}" for name, wnid in zip(names, wnids)]
    found = [(file, wnids.index(wnid), 0) for wnid in wnids for file in train.get(wnid, [])]
    return divided(found + held, classes)


def check(settings: dict) -> None:
    """Raise GradflowError if a wnid is in two of the groups."""
    wnids = [wnid for wanted in (settings["groups"] or {}).values() for wnid in wanted]
    twice = next((wnid for wnid in wnids if wnids.count(wnid) > 1), None)
    if twice:
        raise GradflowError(f"groups has {twice!r} in two classes; leave it in one.")


def training_images(settings: dict) -> int:
    """Return how many images there are to train on, of all classes or of the groups."""
    groups = settings["groups"]
    return round(SHARES[0] * IMAGES_PER_WNID * sum(map(len, groups.values()))) if groups else CLASSES * IMAGES_PER_WNID


def _lines(file: Member) -> list[str]:
    return file.read().decode().splitlines()


SOURCE = Source(
    read,
    downloads={"tiny_imagenet": {}},
    settings=Settings,
    check=check,
    training_images=training_images,
    stored_side=64,
)
