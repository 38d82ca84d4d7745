"""Preparing a data set once: whatever its source, it becomes one folder of arrays that every run reads."""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from gradflow.data.archives import members
from gradflow.data.content import Content, check_classes, check_form, remarks, shown, thin_classes
from gradflow.data.decode import decode, side_to_store
from gradflow.data.members import Member
from gradflow.data.pixels import sayings
from gradflow.data.sources import Source, get_source
from gradflow.data.store import save_dataset
from gradflow.errors import GradflowError

NAMED = 3  # damaged images in the sentence; the log has them all


def prepare(
    folder: Path,
    name: str,
    settings: dict,
    fetched: Mapping[str, Path] = {},
    workers: int = 1,
    progress: TextIO | None = None,
) -> None:
    """Prepare the data set `name`, described by its settings in the config, into `folder`.

    fetched: the verified files of a source that is fetched, by the names under `downloads`. workers: processes that
    decode. A folder that an earlier attempt left unfinished is made anew.

    Raises GradflowError for a source that is not what it should be, for more damaged images than the settings allow to
    drop, and for a full disk.
    """
    folder = Path(folder)
    making = folder / ".making"
    for left in folder.glob(".*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    source = get_source(settings["source"])
    try:
        files = _files(source, fetched, settings.get("path"), making)
        with _about(name):
            content = source.read(files, settings)
            check_form(content, source.channels(settings))
            check_classes(content)
        images, dropped = content.images, []
        if isinstance(images, list):
            images = making / "images.npy"
            making.mkdir(parents=True, exist_ok=True)
            content, dropped = _decode(content, images, name, settings, workers, progress)
        content = content.saying(notes=thin_classes(content))
        for line in remarks(content.left_out, content.notes):
            tqdm.write(line)
        said = {"dropped": dropped, "left_out": content.left_out, "notes": content.notes}
        save_dataset(folder, name, images, content.labels, content.split, content.classes, **said)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _files(source: Source, fetched: Mapping[str, Path], path: str | None, making: Path) -> list[Member]:
    """The files that a source reads: those in what was fetched or the user has, or these themselves."""
    origins = dict(fetched) or ({"archive": path} if path else {})
    if not source.packed:
        return [Member(name, str(file)) for name, file in origins.items()]
    return [file for name, origin in origins.items() for file in members(origin, making / f"{name}.tar")]


@contextmanager
def _about(name: str) -> Iterator[None]:
    """Let a source's complaint say which data set it is about."""
    try:
        yield
    except GradflowError as error:
        raise GradflowError(f"datasets.{name}: {error}") from error


def _decode(
    content: Content, out: Path, name: str, settings: dict, workers: int, progress: TextIO | None
) -> tuple[Content, list[str]]:
    """Decode the files of a source into one array; return what is left of the source, and what was dropped."""
    turn, seen = settings.get("turn", False), Counter()
    shape = side_to_store(content.images, settings["size"], workers, progress, turn)
    damaged = decode(content.images, out, shape, workers, progress, turn, seen)
    if not damaged:
        with _about(name):
            return content.saying(notes=sayings(seen)), []
    dropped = [shown([content.images[row].name]) for row, _ in damaged]
    for file, (_, reason) in zip(dropped, damaged):
        tqdm.write(f"damaged: {file}: {reason}")
    if len(damaged) > settings.get("drop_damaged", 0):
        few = ", ".join(dropped[:NAMED]) + (", ..." if len(dropped) > NAMED else "")
        raise GradflowError(
            f"{len(damaged)} of {len(content.labels):,} images of the data set {name!r} cannot be decoded "
            f"({few}; the log has all; the first: {damaged[0][1]}): mend them, or set datasets.{name}.drop_damaged to "
            f"{len(damaged)} to go on without them."
        )
    content = content.without([row for row, _ in damaged])
    with _about(name):
        check_classes(content)
    seen.clear()
    if decode(content.images, out, shape, workers, progress, turn, seen):
        raise GradflowError(f"images of the data set {name!r} changed while they were read: prepare it again.")
    with _about(name):
        return content.saying(notes=sayings(seen)), dropped
