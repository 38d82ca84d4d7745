"""Fetching files: from the first mirror that has the right bytes, resumed where it broke, trusted only by its hash."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO
from urllib.parse import unquote, urlsplit

from filelock import FileLock
from tqdm import tqdm

from gradflow.data.http import PATIENCE, MirrorFailed, Patience, size, stream
from gradflow.errors import GradflowError
from gradflow.files import atomic_write, writing


@dataclass(frozen=True)
class Download:
    """A file somewhere else: mirrors in the order to try, its sha256, its size if known, or a copy on this machine."""

    name: str
    sha256: str
    urls: tuple[str, ...] = ()
    bytes: int | None = None
    path: str | None = None

    def file(self, cache: Path) -> Path:
        """Where the file lies once it is fetched."""
        if self.path:
            return Path(self.path)
        last = re.sub(r"[^A-Za-z0-9._-]", "_", unquote(urlsplit(self.urls[0]).path).rsplit("/", 1)[-1])
        return Path(cache) / f"{self.name}-{self.sha256[:8]}" / (last if last.strip(".") else self.name)


def fetch(download: Download, cache: Path, progress: TextIO | None = None, patience: Patience = PATIENCE) -> Path:
    """Return the path of a file whose hash is verified, fetching it into `cache` unless it is there already.

    A file in the cache, or at the download's own `path`, is used without a request. Otherwise each mirror is tried in
    turn; what has arrived stays in `<file>.part`, and the next attempt goes on from there. `progress` is where the bar
    is drawn, if it is a terminal. Two processes may share a cache: the second waits for the first.

    Raises GradflowError if no mirror has the right bytes, or the disk has no room for them.
    """
    file = download.file(cache)
    if download.path:
        return _own_copy(download, file)
    if _is(file, download):  # asked before the lock: the cache may be one that we can only read
        return file
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_name(f".{file.name}.lock"), mode=0o666):
            if _is(file, download):
                return file
            if file.exists():
                tqdm.write(f"{file} has another hash than downloads.{download.name} says: fetching it again")
            return _from_mirrors(download, file, progress, patience)


def write_receipt(path: Path, download: Download, cache: Path) -> None:
    """Write what was fetched and where it lies, for whoever wants to know."""
    receipt = asdict(download) | {"file": str(download.file(cache))}
    atomic_write(Path(path), lambda stream: stream.write(json.dumps(receipt, indent=2).encode()))


def configured(config: dict, name: str) -> tuple[Download, Path]:
    """Return a download and the cache, as a completed configuration has them: what `fetch` takes."""
    return Download(name, **config["downloads"][name]), Path(config["cache"])


def sha256(file: Path) -> str:
    """Return the sha256 of a file, as hex digits."""
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _is(file: Path, download: Download) -> bool:
    return file.is_file() and sha256(file) == download.sha256


def _own_copy(download: Download, file: Path) -> Path:
    where = f"downloads.{download.name}.path"
    if not file.is_file():
        raise GradflowError(
            f"config: {where} is {str(file)!r}, which is no file; correct it, or set it to null to fetch."
        )
    found = sha256(file)
    if found != download.sha256:
        raise GradflowError(
            f"{file} has the sha256 {found}, but {download.sha256} was expected: replace the file, or, if you trust "
            f"it, set downloads.{download.name}.sha256 to its own."
        )
    return file


def _from_mirrors(download: Download, file: Path, progress: TextIO | None, patience: Patience) -> Path:
    part, reasons = file.with_name(f"{file.name}.part"), []
    if size(part) == download.bytes and _is(part, download):  # whole, but for its name
        return part.replace(file)
    for url in download.urls:
        tqdm.write(f"fetching {url}")
        try:
            for attempt in range(2):
                resumed = size(part) > 0
                stream(url, part, download.bytes, progress, patience)
                found = sha256(part)
                if found == download.sha256:
                    return part.replace(file)
                part.unlink()
                if not (resumed and attempt == 0):  # two versions glued together deserve a second chance
                    raise MirrorFailed(f"sent other bytes (sha256 {found[:12]}…, expected {download.sha256[:12]}…)")
        except MirrorFailed as failure:
            reasons.append(f"{url} {failure}")
            tqdm.write(reasons[-1])
    raise GradflowError(
        f"{download.name} could not be fetched ({'; '.join(reasons)}): check the network and run again, put the file "
        f"at {file}, or name another mirror under downloads.{download.name}.urls."
    )
