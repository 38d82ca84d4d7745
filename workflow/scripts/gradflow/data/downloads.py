"""Fetching files: from the first mirror that has the right bytes, resumed where it broke, trusted only by its hash."""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO
from urllib.parse import unquote, urlsplit

import requests
from filelock import FileLock
from tqdm import tqdm

from gradflow.errors import GradflowError
from gradflow.files import atomic_write, require_space, writing

BLOCK = 1 << 20  # bytes
TRANSIENT = (429, 500, 502, 503, 504)


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
        return Path(self.path) if self.path else Path(cache) / self.file_name

    @property
    def file_name(self) -> str:
        """The last part of the first mirror's address."""
        return Path(unquote(urlsplit(self.urls[0]).path)).name or self.name


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server, in seconds, and how often to try again; each wait is twice the one before."""

    timeout: float = 30
    retries: int = 3
    first_wait: float = 2
    longest_wait: float = 60


class _MirrorFailed(Exception):
    """This mirror will not do; the next may."""


class _TryAgain(Exception):
    """What failed may work in a moment; `wait` is what the server asked for, in seconds."""

    def __init__(self, reason: str, wait: float = 0):
        super().__init__(reason)
        self.wait = wait


def fetch(download: Download, cache: Path, progress: TextIO | None = None, patience: Patience = Patience()) -> Path:
    """Return the path of a file whose hash is verified, fetching it into `cache` unless it is there already.

    A file in the cache, or at the download's own `path`, is used without a request. Otherwise each mirror is tried in
    turn; what has arrived stays in `<file>.part`, and the next attempt goes on from there. `progress` is where the bar
    is drawn, if it is a terminal. Two processes may share a cache: the second waits for the first.

    Raises GradflowError if no mirror has the right bytes, or the disk has no room for them.
    """
    file = download.file(cache)
    if download.path:
        return _own_copy(download, file)
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file.with_name(f".{file.name}.lock"))
        with lock:
            if file.exists():
                if sha256(file) == download.sha256:
                    return file
                tqdm.write(f"{file} has another hash than downloads.{download.name} says: fetching it again")
            return _from_mirrors(download, file, progress, patience)


def write_receipt(path: Path, download: Download, cache: Path) -> None:
    """Write what was fetched, so that later jobs find it."""
    receipt = {"download": asdict(download), "cache": str(cache), "file": str(download.file(cache))}
    atomic_write(Path(path), lambda stream: stream.write(json.dumps(receipt, indent=2).encode()))


def fetched(receipt: Path) -> tuple[Path, Download]:
    """Return the verified file of a receipt, and what it is; a file that has gone since is fetched again."""
    said = json.loads(Path(receipt).read_text())
    download = Download(**said["download"] | {"urls": tuple(said["download"]["urls"])})
    return fetch(download, Path(said["cache"])), download


def sha256(file: Path) -> str:
    """Return the sha256 of a file, as hex digits."""
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


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
    for url in download.urls:
        tqdm.write(f"fetching {url}")
        try:
            for attempt in range(2):
                resumed = _size(part) > 0
                _stream(url, part, download.bytes, progress, patience)
                found = sha256(part)
                if found == download.sha256:
                    part.replace(file)
                    return file
                part.unlink()
                if not (resumed and attempt == 0):  # two versions glued together deserve a second chance
                    raise _MirrorFailed(f"sent other bytes (sha256 {found[:12]}…, expected {download.sha256[:12]}…)")
        except _MirrorFailed as failure:
            reasons.append(f"{url} {failure}")
            tqdm.write(reasons[-1])
    raise GradflowError(
        f"{download.name} could not be fetched ({'; '.join(reasons)}): check the network and run again, put the file "
        f"at {file}, or name another mirror under downloads.{download.name}.urls."
    )


def _stream(url: str, part: Path, expected: int | None, progress: TextIO | None, patience: Patience) -> None:
    """Complete `part` from a mirror; with each megabyte of headway the count of failed attempts starts anew."""
    failures = 0
    while True:
        before = _size(part)
        try:
            with _opened(url, before, patience.timeout) as response:
                _append(response, part, expected, progress)
            return
        except (_TryAgain, requests.RequestException) as error:
            if isinstance(error, requests.TooManyRedirects | requests.exceptions.InvalidURL):
                raise _MirrorFailed(_reason(error)) from error
            failures = 1 if _size(part) - before >= BLOCK else failures + 1
            if failures > patience.retries:
                raise _MirrorFailed(f"{_reason(error)} ({failures} attempts)") from error
            asked = getattr(error, "wait", 0)
            time.sleep(min(max(asked, patience.first_wait * 2 ** (failures - 1)), patience.longest_wait))


def _opened(url: str, offset: int, timeout: float) -> requests.Response:
    """Ask for a file from an offset on; raise what becomes of an answer that is no file."""
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
    response = requests.get(url, headers=headers, stream=True, timeout=timeout)
    if response.status_code in TRANSIENT:
        asked = response.headers.get("Retry-After", "")
        raise _TryAgain(f"answered {response.status_code}", float(asked) if asked.isdigit() else 0)
    if response.status_code not in (200, 206, 416):
        raise _MirrorFailed(f"answered {response.status_code} {response.reason}")
    return response


def _append(response: requests.Response, part: Path, expected: int | None, progress: TextIO | None) -> None:
    """Write an answer's bytes to `part`, after those it goes on from."""
    offset = _size(part)
    if response.status_code == 416:  # nothing after the offset: what is there is whole, or not of this file
        return
    if response.status_code == 200 or not response.headers.get("Content-Range", "").startswith(f"bytes {offset}-"):
        offset = 0
        if response.status_code == 206:
            part.unlink(missing_ok=True)
            raise _TryAgain("answered with a part that was not asked for")
    length = response.headers.get("Content-Length", "")
    total = offset + int(length) if length.isdigit() else expected
    if expected is not None and total != expected:
        raise _MirrorFailed(f"offers {total:,} bytes, where {expected:,} are expected")
    if total is not None:
        require_space(part, total - offset)
    bar = tqdm(
        desc=part.stem, total=total, initial=offset, unit="B", unit_scale=True, leave=False, file=progress, disable=None
    )
    with bar, writing(part, total), open(part, "ab" if offset else "wb") as stream:
        for block in _blocks(response):
            stream.write(block)
            bar.update(len(block))
            if expected is not None and stream.tell() > expected:
                raise _MirrorFailed(f"sent more than the {expected:,} bytes that are expected")


def _blocks(response: requests.Response) -> Iterator[bytes]:
    """Yield what arrives as it arrives, so that a broken connection loses none of it."""
    read = response.raw.stream(1 << 16, decode_content=False)
    while True:
        try:
            yield next(read)
        except StopIteration:
            return
        except Exception as error:  # urllib3's own errors, and those of ssl and http.client below it
            raise _TryAgain(_reason(error)) from error


def _reason(error: Exception) -> str:
    """Say in a few words what requests and urllib3 say in many."""
    text = f"{type(error).__name__} {error}"
    if isinstance(error, _TryAgain):
        return str(error)
    if "timed out" in text:
        return "did not answer in time"
    if "NameResolution" in text or "Name or service" in text:
        return "could not be found"
    if "IncompleteRead" in text or "broken" in text.lower() or "reset" in text.lower():
        return "broke the connection"
    if "refused" in text:
        return "refused the connection"
    return f"failed: {type(error).__name__}"


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
