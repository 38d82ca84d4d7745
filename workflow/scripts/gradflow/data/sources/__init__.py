"""Sources of data sets: one file of this folder each, which has its name and says all that is known of it.

A file defines SOURCE; it is found by being there. What sources share is in gradflow.data.content.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import BaseModel

from gradflow.data.archives import Member, walk
from gradflow.data.content import Content
from gradflow.folders import defined, found_in


def _nothing(settings: dict) -> None:
    """Say nothing of a data set's settings."""


class NoSettings(BaseModel):
    """What a data set takes whose source takes nothing beside what all take."""


@dataclass(frozen=True)
class Source:
    """All that is known of a source before it is read, and how it is.

    read: from the files of its archive, or of the user's folder, and the settings of the data set.
    download: the entry under `downloads` of the archive that it is made from.
    settings: the model of what a data set takes beside source, size and drop_damaged; each key has a description and a
    default. `path` and `download` name the user's own folder or archive.
    check: raises GradflowError for settings that a model cannot refuse.
    training_images: how many images a data set trains on; None if they are not counted before they are prepared.
    stored_side: the side in pixels at which images are stored, if it does not follow from the size of the data set.
    channels: of images that are no files; files are decoded to RGB.
    """

    read: Callable[[list[Member], dict], Content]
    download: str | None = None
    settings: type[BaseModel] = NoSettings
    check: Callable[[dict], None] = _nothing
    training_images: Callable[[dict], int | None] = _nothing
    stored_side: int | None = None
    channels: int = 3


@cache
def all_sources() -> dict[str, Source]:
    """Return the sources by name, in alphabetical order."""
    return found_in(__name__, "SOURCE")


def module_of(source: str) -> str:
    """Return the module of a source."""
    return f"{__name__}.{source}"


def get_source(name: str) -> Source:
    """Return a source; no other is imported, so that another one that is broken does not matter."""
    return defined(module_of(name), "SOURCE")


def needed_download(settings: dict) -> str | None:
    """Return the name, under `downloads`, of the archive that a data set is made from; None if it needs none."""
    return get_source(settings["source"]).download or settings.get("download")


def listing(settings: dict) -> str:
    """Return a digest of what the user's own folder or archive holds: its files' names, sizes and times."""
    if not settings.get("path"):
        return ""
    root = Path(settings["path"])
    files = [root] if root.is_file() else sorted(walk(root))
    facts = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
