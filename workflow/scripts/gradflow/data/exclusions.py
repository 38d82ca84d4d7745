"""What is left out of a folder before its layout is read, by the user's patterns; and links, which may not be lost."""

import os
import posixpath
from collections import Counter
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import cache
from itertools import accumulate

from gradflow.data.content import suffix
from gradflow.data.members import Member
from gradflow.errors import GradflowError


def wanted(files: Iterable[Member], patterns: Sequence[str], left: Counter) -> list[Member]:
    """Return the files that no pattern matches, and count in `left` what each leaves out.

    A pattern is a glob of the name of a file or a folder at any depth (`*_mask.png`, `thumbs`) or, if it has a slash,
    of a path from the top (`train/unlabelled`); `*` matches slashes, too. A folder is left out with all that is in it.
    """
    kept, used = [], set()
    for file in files:
        matched = [pattern for pattern in patterns if _matches(file.name, pattern)]
        used.update(matched)
        if not matched:
            kept.append(file)
        elif not file.name.endswith("/"):
            left[f"excluded by {matched[0]}"] += 1
    idle = next((pattern for pattern in patterns if pattern not in used), None)
    if idle is not None:
        raise GradflowError(f"exclude has {idle!r}, which matches nothing: take it away, or mend it.")
    return kept


def _matches(name: str, pattern: str) -> bool:
    parts = name.rstrip("/").split("/")
    asked = accumulate(parts, posixpath.join) if "/" in pattern.rstrip("/") else parts
    return any(fnmatchcase(part, pattern.rstrip("/")) for part in asked)


def refuse_links(others: Sequence[Member], files: Sequence[Member]) -> None:
    """Raise GradflowError for a link that may stand for a class; one that is named as an image is a damaged image.

    others: those of the files that are not named as images.
    """
    for file in others:
        link = _link(file)
        if link is None:
            continue
        inside = posixpath.normpath(posixpath.join(posixpath.dirname(file.name), link)) + "/"
        folder = any(other.name.startswith(inside) for other in files) if file.place else os.path.isdir(file.container)
        if folder or not suffix(file.name):
            raise GradflowError(
                f"{file.name!r} is a link to {link!r}, which is {'here already' if folder else 'not followed'}: remove "
                "it, or put what it means in its place, or name it under exclude."
            )


def _link(file: Member) -> str | None:
    """Where a link leads that was not followed."""
    if (
        file.link is None
        and file.place is None
        and os.path.islink(file.container)
        and not os.path.exists(file.container)
    ):
        return os.readlink(file.container)
    return file.link


def refuse_twice_linked(images: Sequence[Member]) -> None:
    """Raise GradflowError for an image that a link brings in a second time, maybe into another class."""
    if not any(image.place is None and os.path.islink(image.container) for image in images):
        return
    real, met = cache(os.path.realpath), {}
    for image in images:
        folder, name = os.path.split(image.container)
        link = os.path.islink(image.container)
        path = os.path.realpath(image.container) if link else os.path.join(real(folder), name)
        other = met.setdefault(path, image.name)
        if other != image.name:
            raise GradflowError(
                f"{image.name!r} and {other!r} are one file by a link: remove one of them, or name it under exclude."
            )
