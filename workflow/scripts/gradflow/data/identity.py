"""What a data set is made from, known by its content: elsewhere, later, renamed or packed otherwise it is the same.

Hashes are kept beside what was fetched, so that planning reads again only what has changed.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from tqdm import tqdm

from gradflow.data.archives import BROKEN, is_archive, members
from gradflow.data.members import Member
from gradflow.errors import GradflowError
from gradflow.files import atomic_write

UNREADABLE = "unreadable"  # stands for the hash of a file that cannot be read
UNSETTLED = 2 * 10**9  # nanoseconds: a file as young may change again without another time


def content_digest(path: Path, cache: Path) -> str:
    """Return a sha256 over what a folder, an archive or a file holds: the names and the contents of its files.

    Names begin below the folder that holds all. Hidden files, and those that systems leave, do not count, nor do the
    times, the place and the name of what holds them. A file of a known place, size and time is not read again: cache
    is the folder in which their hashes are kept, if it can be written.

    Raises GradflowError for an archive or a folder that is refused (`gradflow.data.archives.members`).
    """
    path = Path(os.path.abspath(path))
    name = hashlib.sha256(str(path).encode(errors="surrogateescape")).hexdigest()[:16]
    kept, scratch = Path(cache) / "hashes" / f"{name}.json", Path(cache) / "hashes" / f"{name}-{os.getpid()}.tar"
    hashes = _Hashes(kept)
    try:
        if path.is_dir():
            files = tqdm(members(path, scratch), f"reading {path.name}", leave=False, disable=None)
            digest = _all_of((file.name, hashes.get(file.container, partial(_hash, file))) for file in files)
        elif is_archive(path):
            digest = hashes.get(str(path), lambda: _all_of((file.name, _hash(file)) for file in members(path, scratch)))
        else:
            digest = hashes.get(str(path), partial(_hash, Member(path.name, str(path))))
    finally:
        with suppress(OSError):
            scratch.unlink()
    hashes.keep()
    return digest


class _Hashes:
    """The hashes of files by their paths, each with the size and the times at which it was taken."""

    def __init__(self, kept: Path):
        self.kept, self.now, self.known = kept, {}, {}
        with suppress(OSError, ValueError):
            self.known = json.loads(kept.read_text(encoding="utf-8"))

    def get(self, file: str, take: Callable[[], str]) -> str:
        """Return the hash of a file: that which is known, if it has not changed since, else what `take` returns."""
        try:
            stat = os.stat(file)
        except OSError:
            return UNREADABLE
        facts = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
        known = self.known.get(file)
        taken = known[-1] if known and known[:-1] == facts else take()
        if time.time_ns() - max(facts[1:]) > UNSETTLED:
            self.now[file] = [*facts, taken]
        return taken

    def keep(self) -> None:
        """Write them down, where that is possible."""
        if self.now != self.known:
            with suppress(GradflowError):
                atomic_write(self.kept, lambda stream: stream.write(json.dumps(self.now).encode()))


def _hash(file: Member) -> str:
    try:
        with file.open() as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except BROKEN:
        return UNREADABLE


def _all_of(files: Iterable[tuple[str, str]]) -> str:
    digest = hashlib.sha256()
    for entry in files:
        name = entry[0].encode(errors="surrogateescape")  # the same in every locale
        digest.update(json.dumps([name.hex(), entry[1]]).encode())
    return digest.hexdigest()
