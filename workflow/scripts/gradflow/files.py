"""Writing files so that a reader sees the old one or the new one, never half of it."""

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from gradflow.errors import GradflowError


def atomic_write(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in place in one move.

    Raises GradflowError if the folder cannot be written or the disk is full; what was at `path` stays.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        reason = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else str(error.strerror or error)
        raise GradflowError(f"{path} could not be written: {reason}; make room or choose another folder.") from error
    finally:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)


def write_table(path: Path, table) -> None:
    """Write a pandas table atomically, as its suffix says: .csv with all digits of its numbers, or .parquet."""
    if Path(path).suffix == ".parquet":
        atomic_write(Path(path), lambda stream: table.to_parquet(stream, index=False))
    else:
        atomic_write(Path(path), lambda stream: stream.write(table.to_csv(index=False).encode()))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
