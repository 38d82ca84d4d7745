"""Unpacking archives that come from elsewhere: only plain files and folders, only inside, only of a sane size."""

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath, PureWindowsPath

from gradflow.errors import GradflowError
from gradflow.files import require_space, writing

# Images hardly compress; an archive that claims to grow more than this is no archive of images.
LARGEST_GROWTH, ALWAYS_FINE = 100, 1 << 30  # times its size; bytes
# What the standard library raises on bytes that are no archive; trouble with writing is a GradflowError by then.
BROKEN = (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, RuntimeError, OSError)


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or a tar (plain, gz, bz2 or xz), by its content."""
    try:
        return Path(path).is_file() and (tarfile.is_tarfile(path) or zipfile.is_zipfile(path))
    except BROKEN:  # it begins like one
        return True


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar archive into `folder`, after all its members have been looked at.

    Raises GradflowError, before anything is written, for a member whose path leaves the folder, a link or a device, an
    absurd size, too little room; and for a file that is no whole archive.
    """
    archive, folder = Path(archive), Path(folder)
    if not is_archive(archive):
        raise GradflowError(f"{archive} is no zip or tar archive: check what it is.")
    try:
        if tarfile.is_tarfile(archive):
            with tarfile.open(archive) as opened:
                total = _check(archive, folder, ((i.name, i.size, i.isfile() or i.isdir()) for i in opened))
                while opened.fileobj.read(1 << 20):  # to the end, where the checksum is
                    pass
                _extract(opened, folder, total, filter="data")
        else:
            with zipfile.ZipFile(archive) as opened:
                total = _check(archive, folder, ((i.filename, i.file_size, _plain(i)) for i in opened.infolist()))
                _extract(opened, folder, total)
    except BROKEN as error:
        raise GradflowError(f"{archive} is damaged ({error}): replace it.") from error


def _plain(member: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(member.external_attr >> 16)
    return kind in (0, stat.S_IFREG, stat.S_IFDIR)


def _check(archive: Path, folder: Path, members: Iterable[tuple[str, int, bool]]) -> int:
    """Look at each member's (name, size, whether it is a plain file or folder); return the bytes they take in all."""
    limit = max(ALWAYS_FINE, LARGEST_GROWTH * archive.stat().st_size)
    total = 0
    for name, size, plain in members:
        if PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or ".." in PureWindowsPath(name).parts:
            raise GradflowError(f"{archive} is refused: its member {name!r} would be written outside its folder.")
        if not plain:
            raise GradflowError(f"{archive} is refused: its member {name!r} is a link or a device, not a file.")
        total += size
        if total > limit:
            raise GradflowError(
                f"{archive} is refused: it claims to hold more than {limit:,} bytes, "
                f"{LARGEST_GROWTH} times its own size: no archive of images does."
            )
    require_space(folder, total)
    return total


def _extract(opened: zipfile.ZipFile | tarfile.TarFile, folder: Path, total: int, **options) -> None:
    with writing(folder, total):
        folder.mkdir(parents=True, exist_ok=True)
        opened.extractall(folder, **options)
