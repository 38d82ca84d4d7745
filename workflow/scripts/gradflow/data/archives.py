"""Files in folders and archives, read where they lie: nothing is unpacked, and nothing hostile is let in.

Writing tens of thousands of small files takes many times longer than decoding the images in them, so a member of a zip
or of a tar is read from the archive itself. A compressed tar is decompressed into one file first.
"""

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from gradflow.errors import GradflowError
from gradflow.files import writing

# Images hardly compress; an archive that claims to grow more than this is no archive of images.
LARGEST_GROWTH, ALWAYS_FINE = 100, 1 << 30  # times its size; bytes
BLOCK = 1 << 20  # bytes
JUNK = "__MACOSX"
COMPRESSED = (gzip.GzipFile, bz2.BZ2File, lzma.LZMAFile)
# What the standard library raises on bytes that are no archive; trouble with writing is a GradflowError by then.
BROKEN = (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, RuntimeError, OSError, ValueError)


@dataclass(frozen=True)
class Member:
    """A file of a folder or an archive: its name there, with slashes, and where its bytes are.

    Of a folder, `container` is the file itself; of a tar, the tar, and `place` is (offset, size); of a zip, the zip,
    and `place` is the name that the zip finds it by.
    """

    name: str
    container: str
    place: tuple[int, int] | str | None = None

    def open(self) -> BinaryIO:
        """Open it for reading."""
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


def members(source: Path, scratch: Path) -> list[Member]:
    """Return the files of a folder, a zip or a tar, in the order of their names.

    Hidden files are left out, and folders that hold all the rest. scratch: the file into which a compressed tar is
    decompressed.

    Raises GradflowError for an archive with a path that leaves it, a link or a device, two members of one name, or an
    absurd size; for one that is damaged; and if there is no room.
    """
    source = Path(source)
    if source.is_dir():
        found = [Member(path.relative_to(source).as_posix(), str(path)) for path in walk(source)]
    elif is_archive(source):
        try:
            found = _of_tar(source, scratch) if tarfile.is_tarfile(source) else _of_zip(source)
        except BROKEN as error:
            raise GradflowError(f"{source} is damaged ({error}): replace it.") from error
    else:
        raise GradflowError(f"{source} is neither a folder nor a zip or tar archive: check what it is.")
    visible = [m for m in found if not any(part.startswith(".") or part == JUNK for part in m.name.split("/"))]
    return sorted(_inside(visible), key=lambda member: member.name)


def walk(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, through links too; hidden folders are left out.

    Raises GradflowError for a folder that cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise GradflowError(f"{error.filename} cannot be read: {error.strerror}; mend its permissions or remove it.")

    seen = set()
    for path, folders, files in os.walk(folder, followlinks=True, onerror=refuse):
        real = os.path.realpath(path)
        folders[:] = [] if real in seen else [name for name in folders if not name.startswith(".")]
        if real not in seen:
            yield from (Path(path) / name for name in files)
        seen.add(real)


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or a tar (plain, gz, bz2 or xz), by its content."""
    try:
        return Path(path).is_file() and (tarfile.is_tarfile(path) or zipfile.is_zipfile(path))
    except BROKEN:  # it begins like one
        return True


def _of_zip(archive: Path) -> list[Member]:
    with zipfile.ZipFile(archive) as opened:
        infos = [info for info in opened.infolist() if not info.is_dir()]
    locked = next((info.filename for info in infos if info.flag_bits & 1), None)
    if locked:
        raise GradflowError(f"{archive} is refused: its member {locked!r} is encrypted.")
    kinds = [stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG) for info in infos]
    _check(archive, ((info.filename, info.file_size, plain) for info, plain in zip(infos, kinds)))
    return [Member(_clean(info.filename), str(archive), info.filename) for info in infos]


def _of_tar(archive: Path, scratch: Path) -> list[Member]:
    tar = archive
    with tarfile.open(archive) as opened:
        if isinstance(opened.fileobj, COMPRESSED):
            _decompress(archive, opened.fileobj, scratch)
            tar = scratch
    with tarfile.open(tar, "r:") as opened:
        infos = [info for info in opened if not info.isdir()]
        opened.fileobj.seek(opened.offset)
        if any(opened.fileobj.read(tarfile.BLOCKSIZE)):  # tarfile takes a broken header for the end
            raise tarfile.ReadError("a header is broken")
    _check(archive, ((info.name, info.size, info.isfile() and not info.issparse()) for info in infos))
    return [Member(_clean(info.name), str(tar), (info.offset_data, info.size)) for info in infos]


def _decompress(archive: Path, stream: BinaryIO, scratch: Path) -> None:
    """Decompress to the end, where the checksum is."""
    stream.seek(0)
    total = 0
    with writing(scratch):
        scratch.parent.mkdir(parents=True, exist_ok=True)
        with open(scratch, "wb") as out:
            for block in _readable(iter(lambda: stream.read(BLOCK), b"")):
                total += len(block)
                _check_growth(archive, total)
                out.write(block)


def _readable(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Let trouble with reading be told from trouble with writing."""
    try:
        yield from blocks
    except OSError as error:
        raise EOFError(str(error)) from error


def _check(archive: Path, found: Iterator[tuple[str, int, bool]]) -> None:
    """Check each member's name, size, and whether it is a plain file."""
    total, names = 0, set()
    for name, size, plain in found:
        parts = name.replace("\\", "/").split("/")
        if not parts[0] or parts[0][1:2] == ":" or ".." in parts:  # absolute, a Windows drive, or up and out
            raise GradflowError(f"{archive} is refused: its member {name!r} lies outside the archive's own folder.")
        if not plain:
            raise GradflowError(f"{archive} is refused: its member {name!r} is a link or a device, not a file.")
        cleaned = _clean(name)
        if cleaned in names:
            raise GradflowError(f"{archive} is refused: it holds {name!r} twice.")
        names.add(cleaned)
        total += size
        _check_growth(archive, total)


def _check_growth(archive: Path, total: int) -> None:
    limit = max(ALWAYS_FINE, LARGEST_GROWTH * archive.stat().st_size)
    if total > limit:
        raise GradflowError(
            f"{archive} is refused: it holds more than {limit:,} bytes, {LARGEST_GROWTH} times its own size: "
            "no archive of images does."
        )


def _clean(name: str) -> str:
    """The name with slashes; some programs write Windows' own separators into a zip."""
    name = name if "/" in name else name.replace("\\", "/")
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _inside(found: list[Member]) -> list[Member]:
    """Go down as long as everything is in one folder."""
    while found and all("/" in member.name for member in found):
        tops = {member.name.split("/", 1)[0] for member in found}
        if len(tops) > 1:
            break
        found = [replace(member, name=member.name.split("/", 1)[1]) for member in found]
    return found


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
