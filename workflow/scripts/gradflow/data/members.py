"""A file of a folder or an archive, read where it lies."""

import io
import os
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO


@dataclass(frozen=True)
class Member:
    """A file of a folder or an archive: its name there, with slashes, and where its bytes are.

    Of a folder, `container` is the file itself; of a tar, the tar, and `place` is (offset, size); of a zip, the zip,
    and `place` is the name that the zip finds it by. A folder without files has a name that ends in a slash.

    link: where it leads, of a link that is not followed: any in an archive, and one to a folder that is met on its own.
    """

    name: str
    container: str
    place: tuple[int, int] | str | None = None
    link: str | None = None

    def open(self) -> BinaryIO:
        """Open it for reading. Raises OSError for a link that is not followed."""
        if self.link is not None:
            raise OSError(f"it is a link to {self.link}, which is not followed")
        if isinstance(self.place, str):
            return io.BytesIO(_read_from_zip(self.container, self.place))
        if self.place is None:
            return open(self.container, "rb")
        offset, size = self.place
        with open(self.container, "rb") as stream:
            stream.seek(offset)
            return io.BytesIO(stream.read(size))

    def read(self) -> bytes:
        """Return its bytes."""
        with self.open() as stream:
            return stream.read()


def _read_from_zip(path: str, name: str) -> bytes:
    """Read a member, no further than its size: a zip that lies about it shall not fill the memory."""
    known = os.stat(path)
    opened = _opened_zip(path, os.getpid(), (known.st_ino, known.st_size, known.st_mtime_ns))
    size = opened.getinfo(name).file_size
    with opened.open(name) as stream:
        content = stream.read(size + 1)
    if len(content) != size:
        raise zipfile.BadZipFile(f"{name} has not the size that the zip says")
    return content


@lru_cache(maxsize=2)
def _opened_zip(path: str, process: int, version: tuple) -> zipfile.ZipFile:
    """A zip that each process keeps open: finding its members takes a while, and a position cannot be shared."""
    return zipfile.ZipFile(path)
