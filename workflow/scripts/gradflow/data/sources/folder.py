"""Any folder or archive of images of the user's own."""

from pathlib import Path

from pydantic import BaseModel, Field

from gradflow.data.archives import Member
from gradflow.data.content import Content, by_class, divided, undivided
from gradflow.data.sources import Source
from gradflow.errors import GradflowError

SPLIT_FOLDERS = {"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "test": 2, "testing": 2}


class Settings(BaseModel):
    """Where the images are."""

    path: str | None = Field(None, description="A folder on this machine, or a zip or tar archive of one.")
    download: str | None = Field(
        None, description="The name under downloads of an archive to fetch, instead of a path."
    )


def read(files: list[Member], settings: dict) -> Content:
    """Return any folder of images: class folders, split 70/15/15; or train, val and test with class folders in each.

    Where only one of val and test is there, it is halved. Raises GradflowError for a folder beside ready splits that is
    none of them.
    """
    tops = by_class(files)
    # A folder that is called train may be a class of trains: a split has class folders in it.
    splits = [top for top in tops if top.lower() in SPLIT_FOLDERS and all(m.name.count("/") > 1 for m in tops[top])]
    ready = {top: SPLIT_FOLDERS[top.lower()] for top in splits}
    if not ready:
        return undivided(tops)
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
    return divided(found, classes)


def check(settings: dict) -> None:
    """Raise GradflowError unless there is either a path, to something, or a download."""
    if bool(settings["path"]) == bool(settings["download"]):
        raise GradflowError("source folder takes either a path or a download; give it one of the two.")
    if settings["path"] and not Path(settings["path"]).exists():
        raise GradflowError(
            f"path is {settings['path']!r}, which does not exist; "
            "point it at a folder of class folders of images, or at an archive of one."
        )


SOURCE = Source(read, settings=Settings, check=check)
