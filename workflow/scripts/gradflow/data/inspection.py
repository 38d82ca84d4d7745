"""What would be read of a folder or an archive of images, before any of it is prepared."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

from gradflow.data.archives import members
from gradflow.data.content import Content, check_classes, remarks, shown, thin_classes
from gradflow.data.decode import DAMAGED, decode
from gradflow.data.layouts import read_layout
from gradflow.data.members import Member
from gradflow.data.pixels import notice, sayings, unreadable
from gradflow.data.splits import SPLITS
from gradflow.files import atomic_write

HEADERS = 5000  # read, of more files than that
CLASSES = 20  # named, of more than that
FONT = f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf"  # which has letters of most languages
SAMPLES, COLUMNS, SIDE, CAPTION = 6, 3, 192, 36  # of a contact sheet; pixels


def inspect(path: Path, settings: dict, sheet: Path | None = None) -> Iterator[str]:
    """Yield lines that say what source `folder` would take of a folder or an archive, and what it would leave out.

    settings: those of the source. sheet: the PNG file for six of its images, each as networks see it, with its class.

    Raises GradflowError for what preparing would refuse, and for a sheet that cannot be written.
    """
    with tempfile.TemporaryDirectory() as scratch:
        content = read_layout(members(path, Path(scratch) / "archive.tar"), settings)
        check_classes(content)
        yield f"{len(content.images):,} images of {len(content.classes):,} classes"
        yield from _classes(content)
        yield from _headers(content.images, settings.get("turn", False))
        yield from remarks(content.left_out, [*content.notes, *thin_classes(content)])
        if sheet:
            _write_sheet(content, sheet, Path(scratch) / "images.npy", settings.get("turn", False))
            yield f"{sheet} has images of it."


def _classes(content: Content) -> Iterator[str]:
    counts = np.zeros((len(content.classes), len(SPLITS)), int)
    np.add.at(counts, (content.labels, content.split), 1)
    rows = [(shown([name]), *of_class) for name, of_class in zip(content.classes, counts)]
    more = [(f"... {len(rows) - CLASSES:,} more", *counts[CLASSES:].sum(0))] if len(rows) > CLASSES else []
    rows = [("class", *SPLITS), *rows[:CLASSES], *more, ("all", *counts.sum(0))]
    width = max(len(name) for name, *_ in rows)
    for name, *numbers in rows:
        yield "  ".join([name.ljust(width), *(f"{number:>10}" for number in numbers)])


def _headers(files: Sequence[Member], turn: bool) -> Iterator[str]:
    rows = np.unique(np.linspace(0, len(files) - 1, min(len(files), HEADERS)).astype(int))
    formats, modes, sizes, seen, damaged = Counter(), Counter(), Counter(), Counter(), []
    for row in rows:
        try:
            with files[row].open() as stream, Image.open(stream) as image:
                formats[image.format] += 1
                modes[image.mode] += 1
                sizes[image.size] += 1
                notice(image, turn, seen)
                if unreadable(image):
                    damaged.append(files[row].name)
        except DAMAGED:
            damaged.append(files[row].name)
    if len(rows) < len(files):
        yield f"Of {len(rows):,} images, by their headers:"
    yield f"formats: {_counted(formats)}"
    yield f"modes: {_counted(modes)}"
    yield f"sizes (width×height): {_counted(Counter({f'{w}×{h}': n for (w, h), n in sizes.items()}))}"
    if damaged:
        yield f"cannot be decoded: {shown(damaged)}; preparing refuses them, or leaves them out with drop_damaged"
    yield from sayings(seen)


def _counted(counts: Counter) -> str:
    return shown(f"{kind} ({count:,})" for kind, count in counts.most_common())


def _write_sheet(content: Content, sheet: Path, scratch: Path, turn: bool) -> None:
    """Write a contact sheet of images of as many classes as there are places."""
    places = np.arange(SAMPLES) * len(content.classes) // SAMPLES
    generator = np.random.default_rng(0)
    rows = [generator.choice(np.flatnonzero(content.labels == label)) for label in places]
    files = [content.images[row] for row in rows]
    damaged = dict(decode(files, scratch, (SIDE, SIDE), workers=1, turn=turn))
    canvas = Image.new("RGB", (COLUMNS * SIDE, (SIDE + CAPTION) * SAMPLES // COLUMNS), "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.truetype(FONT, 12)
    for place, (row, pixels) in enumerate(zip(rows, np.load(scratch))):
        x, y = place % COLUMNS * SIDE, place // COLUMNS * (SIDE + CAPTION)
        canvas.paste(Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))), (x, y))
        said = "cannot be decoded" if place in damaged else SPLITS[content.split[row]]
        draw.text((x + 4, y + SIDE + 1), shown([content.classes[content.labels[row]]])[:26], "black", font)
        draw.text((x + 4, y + SIDE + 17), said, "gray", font)
    atomic_write(sheet, lambda stream: canvas.save(stream, "PNG"))
