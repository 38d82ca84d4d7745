"""Sources of data sets: one file of this folder each, which has its name and says all that is known of it.

A file defines SOURCE; it is found by being there. What sources share is in gradflow.data.content.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

from pydantic import BaseModel

from gradflow.data.content import Content
from gradflow.data.members import Member
from gradflow.folders import defined, found_in


def _nothing(settings: dict) -> None:
    """Say nothing of a data set's settings."""


def _colour(settings: dict) -> int:
    """Say that images are RGB."""
    return 3


class NoSettings(BaseModel):
    """What a data set takes whose source takes nothing beside what all take."""


@dataclass(frozen=True)
class Source:
    """All that is known of a source before it is read, and how it is.

    read: from the files of its archive, or of the user's folder, and the settings of the data set.
    downloads: what it is made from, by the name under `downloads`, and what that entry need not say, as it is known:
    urls, sha256 and bytes; nothing where the configuration says it all.
    packed: whether it is made from folders or archives, whose files it reads; if not, from single files, which bear the
    names of their downloads.
    settings: the model of what a data set takes beside source, size and drop_damaged; each key has a description and a
    default. `path` and `download` name the user's own folder or archive.
    check: raises GradflowError for settings that a model cannot refuse.
    look: the same for the user's own files, which are there, as far as little of them tells.
    training_images: how many images a data set trains on; None if they are not counted before they are prepared.
    stored_side: the side in pixels at which images are stored, if it does not follow from the size of the data set.
    channels: of its images, from the settings; files are decoded to RGB.
    code: the function of the user's own, if there is one, that the settings name to make the data set.
    """

    read: Callable[[list[Member], dict], Content]
    downloads: Mapping[str, Mapping] = field(default_factory=dict)
    packed: bool = True
    settings: type[BaseModel] = NoSettings
    check: Callable[[dict], None] = _nothing
    look: Callable[[dict], None] = _nothing
    training_images: Callable[[dict], int | None] = _nothing
    stored_side: int | None = None
    channels: Callable[[dict], int] = _colour
    code: Callable[[dict], str | None] = _nothing


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


def known_downloads() -> dict[str, dict]:
    """Return what the sources know of the files that they are made from, by the names under `downloads`."""
    return {name: dict(facts) for source in all_sources().values() for name, facts in source.downloads.items() if facts}


def needed_downloads(settings: dict) -> list[str]:
    """Return the names, under `downloads`, of what a data set is made from."""
    own = settings.get("download")
    return [*get_source(settings["source"]).downloads, *([own] if own else [])]
