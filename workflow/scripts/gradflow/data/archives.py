"""Files in folders and archives, read where they lie: nothing is unpacked, and nothing hostile is let in.

Writing tens of thousands of small files takes many times longer than decoding the images in them, so a member of a zip
or of a tar is read from the archive itself. A compressed tar is decompressed into one file first.
"""

import bz2
import gzip
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from gradflow.data.members import Member
from gradflow.errors import GradflowError
from gradflow.files import writing

# Images hardly compress; an archive that claims to grow more than this is no archive of images.
LARGEST_GROWTH, ALWAYS_FINE = 100, 1 << 30  # times its size; bytes
BLOCK = 1 << 20  # bytes
# What operating systems, file servers and file managers leave; with hidden files, none of it is anybody's data.
JUNK = frozenset(
    ("__macosx", "@eadir", "#recycle", "@recycle", "@recently-snapshot", "$recycle.bin", "system volume information",
     "lost+found", "thumbs.db", "ehthumbs.db", "desktop.ini")
)  # fmt: skip
COMPRESSED = (gzip.GzipFile, bz2.BZ2File, lzma.LZMAFile)
# What the standard library raises on bytes that are no archive; trouble with writing is a GradflowError by then.
BROKEN = (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, RuntimeError, OSError, ValueError)


def members(source: Path, scratch: Path) -> list[Member]:
    """Return the files and the empty folders of a folder, a zip or a tar, in the order of their names.

    Hidden files and those of the operating system are left out, and folders that hold all the rest. scratch: the file
    into which a compressed tar is decompressed.

    Raises GradflowError for an archive with a path that leaves it, a device, two members of one name, or an absurd
    size; for one that is damaged; and if there is no room.
    """
    source = Path(source)
    if source.is_dir():
        found = list(_of_folder(str(source)))
    elif is_archive(source):
        try:
            found = _of_tar(source, scratch) if tarfile.is_tarfile(source) else _of_zip(source)
        except BROKEN as error:
            raise GradflowError(f"{source} is damaged ({error}): replace it.") from error
    else:
        raise GradflowError(f"{source} is neither a folder nor a zip or tar archive: check what it is.")
    visible = [member for member in found if not any(map(_is_junk, member.name.split("/")))]
    return sorted(_inside(visible), key=lambda member: member.name)


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name.lower() in JUNK


def _of_folder(root: str) -> Iterator[Member]:
    """Yield what is below a folder; links to folders are followed last, so that one to what is here is known as such.

    A link to a folder that it lies in leads round in a circle, and is passed over.
    """

    def refuse(error: OSError) -> None:
        raise GradflowError(f"{error.filename} cannot be read: {error.strerror}; mend its permissions or remove it.")

    seen, tops = set(), [root]
    for top in tops:
        inside = os.path.realpath(os.path.dirname(top)) if top != root else None
        for path, folders, files in os.walk(top, onerror=refuse):
            real, name = os.path.realpath(path), path[len(root) :].replace(os.sep, "/").strip("/")
            folders[:] = [] if real in seen else sorted(folder for folder in folders if not _is_junk(folder))
            if real in seen:
                if not f"{inside}/".startswith(f"{real}/"):
                    yield Member(name, path, link=real)
                continue
            seen.add(real)
            tops += [os.path.join(path, folder) for folder in folders if os.path.islink(os.path.join(path, folder))]
            below = f"{name}/" if name else ""
            yield from (Member(below + file, os.path.join(path, file)) for file in files)
            if below and not folders and all(map(_is_junk, files)):
                yield Member(below, path)


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or a tar (plain, gz, bz2 or xz), by its content."""
    try:
        return Path(path).is_file() and (tarfile.is_tarfile(path) or zipfile.is_zipfile(path))
    except BROKEN:  # it begins like one
        return True


def _of_zip(archive: Path) -> list[Member]:
    with zipfile.ZipFile(archive) as opened:
        entries = opened.infolist()
        infos = [info for info in entries if not info.is_dir()]
        locked = next((info.filename for info in infos if info.flag_bits & 1), None)
        if locked:
            raise GradflowError(f"{archive} is refused: its member {locked!r} is encrypted.")
        kinds = [stat.S_IFMT(info.external_attr >> 16) for info in infos]
        fine = [kind in (0, stat.S_IFREG, stat.S_IFLNK) for kind in kinds]
        _check(archive, ((info.filename, info.file_size, plain) for info, plain in zip(infos, fine)))
        links = [_target(opened, info) if kind == stat.S_IFLNK else None for info, kind in zip(infos, kinds)]
    found = [Member(_clean(i.filename), str(archive), i.filename, link) for i, link in zip(infos, links)]
    return found + _empty(archive, [info.filename for info in entries if info.is_dir()], found)


def _of_tar(archive: Path, scratch: Path) -> list[Member]:
    tar = archive
    with tarfile.open(archive) as opened:
        if isinstance(opened.fileobj, COMPRESSED):
            _decompress(archive, opened.fileobj, scratch)
            tar = scratch
    with tarfile.open(tar, "r:") as opened:
        entries = list(opened)
        opened.fileobj.seek(opened.offset)
        if any(opened.fileobj.read(tarfile.BLOCKSIZE)):  # tarfile takes a broken header for the end
            raise tarfile.ReadError("a header is broken")
    infos = [info for info in entries if not info.isdir()]
    links = [info.linkname if info.issym() or info.islnk() else None for info in infos]
    fine = [link is not None or (info.isfile() and not info.issparse()) for info, link in zip(infos, links)]
    _check(archive, ((info.name, info.size, plain) for info, plain in zip(infos, fine)))
    found = [Member(_clean(i.name), str(tar), (i.offset_data, i.size), link) for i, link in zip(infos, links)]
    return found + _empty(archive, [info.name for info in entries if info.isdir()], found)


def _target(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    """Where a link in a zip leads, which is what is written in it; no path is as long as 4 KiB."""
    with opened.open(info) as stream:
        return os.fsdecode(stream.read(4096))


def _empty(archive: Path, folders: list[str], found: list[Member]) -> list[Member]:
    """The folders of an archive that hold nothing."""
    left = {_clean(folder) for folder in folders} - {""}
    for name in [*left, *(member.name for member in found)] if left else ():
        while "/" in name:
            name = name.rpartition("/")[0]
            left.discard(name)
    return [Member(f"{folder}/", str(archive)) for folder in sorted(left)]


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
            raise GradflowError(f"{archive} is refused: its member {name!r} is a device, not a file.")
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
