"""Streaming a file from one server into one part file: resumed where it broke, tried again where that may help."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import requests
from tqdm import tqdm

from gradflow.files import require_space, writing

BLOCK = 1 << 20  # bytes
TRANSIENT = (408, 429)  # and all of 5xx


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server, in seconds, and how often to try again; each wait is twice the one before."""

    timeout: float = 30
    retries: int = 3
    first_wait: float = 2
    longest_wait: float = 60


PATIENCE = Patience()


class MirrorFailed(Exception):
    """This mirror will not do; the next may."""


class _TryAgain(Exception):
    """What failed may work in a moment; `wait` is what the server asked for, in seconds."""

    def __init__(self, reason: str, wait: float = 0):
        super().__init__(reason)
        self.wait = wait


def stream(url: str, part: Path, expected: int | None, progress: TextIO | None, patience: Patience) -> None:
    """Complete `part` from a mirror; with each megabyte of headway the count of failed attempts starts anew."""
    failures, best = 0, size(part)
    while True:
        try:
            with _opened(url, size(part), patience.timeout) as response:
                _append(response, part, expected, progress)
            return
        except (_TryAgain, requests.RequestException) as error:
            if isinstance(error, requests.TooManyRedirects | requests.exceptions.InvalidURL):
                raise MirrorFailed(_reason(error)) from error
            headway, best = size(part) - best >= BLOCK, max(best, size(part))
            failures = 1 if headway else failures + 1
            if failures > patience.retries:
                raise MirrorFailed(f"{_reason(error)} ({failures} attempts)") from error
            asked = getattr(error, "wait", 0)
            time.sleep(min(max(asked, patience.first_wait * 2 ** (failures - 1)), patience.longest_wait))


def _opened(url: str, offset: int, timeout: float) -> requests.Response:
    """Ask for a file from an offset on; raise what becomes of an answer that is no file."""
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
    response = requests.get(url, headers=headers, stream=True, timeout=timeout)
    if response.status_code >= 500 or response.status_code in TRANSIENT:
        asked = response.headers.get("Retry-After", "")
        raise _TryAgain(f"answered {response.status_code}", float(asked) if asked.isdigit() else 0)
    if response.status_code not in (200, 206, 416) or (response.status_code == 416 and not offset):
        raise MirrorFailed(f"answered {response.status_code} {response.reason}")
    return response


def _append(response: requests.Response, part: Path, expected: int | None, progress: TextIO | None) -> None:
    """Write an answer's bytes to `part`, after those it goes on from."""
    offset = size(part)
    if response.status_code == 416:  # nothing after the offset: what is there is whole, or not of this file
        return
    if response.status_code == 200 or not response.headers.get("Content-Range", "").startswith(f"bytes {offset}-"):
        offset = 0
        if response.status_code == 206:
            part.unlink(missing_ok=True)
            raise _TryAgain("answered with a part that was not asked for")
    total = _total(response, offset, expected)
    if expected is not None and total != expected:
        raise MirrorFailed(f"offers {total:,} bytes, where {expected:,} are expected")
    if not offset:
        part.unlink(missing_ok=True)
    if total is not None:
        require_space(part, total - offset)
    bar = tqdm(
        desc=part.stem, total=total, initial=offset, unit="B", unit_scale=True, leave=False, file=progress, disable=None
    )
    with bar, writing(part, total), open(part, "ab" if offset else "wb") as out:
        for block in _blocks(response):
            out.write(block)
            bar.update(len(block))
            if expected is not None and out.tell() > expected:
                raise MirrorFailed(f"sent more than the {expected:,} bytes that are expected")
    if total is not None and size(part) < total:  # a server that gave no length may end early without a word
        raise _TryAgain("broke the connection")


def _total(response: requests.Response, offset: int, expected: int | None) -> int | None:
    """Return the bytes of the whole file as the server says: a part may be a part of what was asked for, too."""
    said = response.headers.get("Content-Range", "").rpartition("/")[2]
    if response.status_code == 206 and said.isdigit():
        return int(said)
    length = response.headers.get("Content-Length", "")
    return offset + int(length) if length.isdigit() else expected


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


def _reason(error: BaseException) -> str:
    """Say in a few words what requests and urllib3 say in many: by the kinds of error, one inside the other."""
    if isinstance(error, _TryAgain):
        return str(error)
    kinds, inside = "", error
    while inside is not None:
        kinds += type(inside).__name__ + " "
        inner = [part for part in inside.args if isinstance(part, BaseException)]
        inside = getattr(inside, "reason", None) or (inner[0] if inner else inside.__cause__)
        inside = inside if isinstance(inside, BaseException) else None
    reasons = {
        "NameResolution": "could not be found",
        "SSL": "could not prove who it is (TLS)",
        "Timeout": "did not answer in time",
        "Refused": "refused the connection",
        "NewConnection": "could not be reached",
        "IncompleteRead": "broke the connection",
        "Protocol": "broke the connection",
        "Reset": "broke the connection",
        "Chunked": "broke the connection",
    }
    return next((said for kind, said in reasons.items() if kind in kinds), f"failed: {type(error).__name__}")


def size(part: Path) -> int:
    """Return the bytes that have arrived."""
    return part.stat().st_size if part.exists() else 0
