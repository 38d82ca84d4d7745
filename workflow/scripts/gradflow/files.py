"""Writing files so that a reader sees the old one or the new one, never half of it, and a full disk says so."""

import errno
import glob
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from gradflow.errors import GradflowError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def atomic_write(path: Path, write: Callable[[BinaryIO], object], needed: int | None = None) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in place in one move.

    needed: the bytes that it will write, where they are known, to be said when the disk is full.
    Raises GradflowError if the folder cannot be written or the disk is full; what was at `path` stays.
    """
    path = Path(path)
    temporary = None
    with writing(path, needed):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=_temporary_prefix(path))
            with os.fdopen(handle, "wb") as stream:
                write(stream)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
        finally:
            if temporary and os.path.exists(temporary):
                os.unlink(temporary)


def remove(path: Path, leftovers_only: bool = False) -> None:
    """Remove a file that `atomic_write` wrote, if it is there, and what killed writes of it left, or these alone."""
    path = Path(path)
    left = path.parent.glob(glob.escape(_temporary_prefix(path)) + "*")
    for file in left if leftovers_only else (path, *left):
        file.unlink(missing_ok=True)


def date_no_later_than(written: Path, paths: Iterable[Path]) -> None:
    """Date now the files that are younger than one just written, if they may be changed.

    The clock is that of the files: a file server's may be another than this machine's.
    """
    now = os.stat(written).st_mtime
    for path in paths:
        with suppress(OSError):
            if os.stat(path).st_mtime > now:
                os.utime(path)


@contextmanager
def writing(path: Path, needed: int | None = None) -> Iterator[None]:
    """Turn what the operating system says against writing `path` into a GradflowError, one sentence.

    needed: the bytes that the whole file takes, where they are known, to be said when the disk is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise _no_room(path, needed) from error
        raise GradflowError(
            f"{path} could not be written: {error.strerror or error}; make room or choose another folder."
        ) from error


def require_space(path: Path, needed: int) -> None:
    """Raise GradflowError unless the disk that holds `path` has room for so many bytes more."""
    if needed > _free(path):
        raise _no_room(path, needed)


def _temporary_prefix(path: Path) -> str:
    return f".{path.name}."


def require_writable(folder: Path) -> None:
    """Raise GradflowError unless files can be made in a folder, which is made if it is not there."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()


def _no_room(path: Path, needed: int | None) -> GradflowError:
    takes = f"it takes {needed:,} bytes and " if needed is not None else ""
    return GradflowError(
        f"{path} could not be written: the disk is full; {takes}{_free(path):,} are free: make room or choose another "
        "folder."
    )


def _free(path: Path) -> int:
    folder = Path(path).absolute()
    while not folder.is_dir():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
