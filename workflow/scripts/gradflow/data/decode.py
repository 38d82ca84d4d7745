"""Decoding image files into one array on disk, in parallel, a few hundred images in memory at a time."""

import lzma
import multiprocessing
import os
import threading
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import wait
from pathlib import Path
from typing import TextIO

import numpy as np
from PIL import Image
from tqdm import tqdm

from gradflow.data.members import Member
from gradflow.data.pixels import SWAPPED, as_rgb, orientation_of
from gradflow.errors import GradflowError
from gradflow.files import require_space, writing

CHUNK_BYTES = 32 << 20  # decoded images that one process holds
# What PIL raises on bad bytes, and an archive on a bad member.
DAMAGED_IMAGE = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)
DAMAGED = (*DAMAGED_IMAGE, zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError)

Damage = list[tuple[int, str]]  # (row, reason)


def side_to_store(
    files: Sequence[Member], side: int, workers: int, progress: TextIO | None = None, turn: bool = False
) -> tuple[int, int]:
    """Return the (height, width) to store images at: their own if all share one that fits into side × side, else side.

    Only the files' headers are read. Files that cannot be read are left to `decode` to report. turn: as for `decode`.
    """
    sizes = set()
    for _, found in _in_chunks(partial(_read_sizes, turn=turn), files, 1024, workers, "measuring", progress):
        sizes |= found
        if len(sizes) > 1:
            return side, side
    height, width = sizes.pop() if len(sizes) == 1 else (side, side)
    return (height, width) if max(height, width) <= side else (side, side)


def decode(
    files: Sequence[Member],
    out: Path,
    shape: tuple[int, int],
    workers: int,
    progress: TextIO | None = None,
    turn: bool = False,
    seen: Counter | None = None,
) -> Damage:
    """Decode image files to RGB and write them to `out`, a .npy of uint8 [N, 3, height, width].

    An image of another size is resized as the notebooks' `Resize` does: PIL, bilinear, antialiased. Returns the rows
    that could not be decoded, with the reason; `out` is then not complete.

    turn: photographs upright, as their EXIF orientation says. seen: is filled with what `pixels.sayings` says of them.

    Raises GradflowError if the disk is full.
    """
    row_bytes = 3 * shape[0] * shape[1]
    out.unlink(missing_ok=True)  # what a first attempt left must not be counted as needed beside the second
    require_space(out, len(files) * row_bytes)
    with writing(out, len(files) * row_bytes):
        array = np.lib.format.open_memmap(out, "w+", np.uint8, (len(files), 3, *shape))
        offset = array.offset
        del array
        damaged: Damage = []
        size = max(1, min(256, CHUNK_BYTES // row_bytes))
        task = _Decode(str(out), offset, shape, turn)
        for start, (found, counted) in _in_chunks(task, files, size, workers, "decoding", progress):
            damaged += [(start + row, reason) for row, reason in found]
            if seen is not None:
                seen.update(counted)
    return damaged


class _Decode:
    """Decodes a chunk of files into its place in the array; written, not mapped, so that a full disk is an error."""

    def __init__(self, out: str, offset: int, shape: tuple[int, int], turn: bool):
        self.out, self.offset, self.shape, self.turn = out, offset, shape, turn

    def __call__(self, files: Sequence[Member], start: int) -> tuple[Damage, Counter]:
        height, width = self.shape
        pixels = np.zeros((len(files), 3, height, width), np.uint8)
        damaged, seen = [], Counter()
        for row, file in enumerate(files):
            try:
                with file.open() as stream, Image.open(stream) as image:
                    decoded = as_rgb(image, self.turn, seen)
                if decoded.size != (width, height):
                    decoded = decoded.resize((width, height), Image.Resampling.BILINEAR)
            except DAMAGED as error:
                damaged.append((row, " ".join(str(error).split()) or type(error).__name__))
                continue
            pixels[row] = np.asarray(decoded).transpose(2, 0, 1)
        with open(self.out, "r+b") as stream:
            stream.seek(self.offset + start * pixels[0].nbytes)
            stream.write(pixels.data)
        return damaged, seen


def _read_sizes(files: Sequence[Member], start: int, turn: bool) -> set[tuple[int, int]]:
    sizes = set()
    for file in files:
        try:
            with file.open() as stream, Image.open(stream) as image:
                swapped = turn and orientation_of(image) in SWAPPED
                sizes.add(image.size if swapped else image.size[::-1])
        except DAMAGED:
            pass
    return sizes


def _in_chunks(
    function: Callable, files: Sequence[Member], size: int, workers: int, what: str, progress: TextIO | None
) -> Iterator[tuple[int, tuple | set]]:
    """Yield (start, function(chunk, start)) for each chunk of the files, in order, computed by `workers` processes."""
    starts = range(0, len(files), size)
    chunks = (files[start : start + size] for start in starts)
    bar = tqdm(desc=what, total=len(files), unit="image", leave=False, file=progress, disable=None)
    with bar, _mapping(workers, what) as mapped:
        for start, answer in zip(starts, mapped(function, chunks, starts)):
            bar.update(min(size, len(files) - start))
            yield start, answer


@contextmanager
def _mapping(workers: int, what: str) -> Iterator[Callable]:
    """Yield `map`, or its like over several processes."""
    if workers == 1:
        yield map
        return
    pool = ProcessPoolExecutor(workers, initializer=_end_with_parent)
    try:
        yield pool.map
    except BrokenProcessPool as error:
        raise GradflowError(
            f"{what} stopped: one of its {workers} processes was killed, most likely for want of memory; run it again "
            "with fewer threads."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """End this process when its parent is killed, or it would wait for work for ever."""

    def watch() -> None:
        wait([multiprocessing.parent_process().sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
