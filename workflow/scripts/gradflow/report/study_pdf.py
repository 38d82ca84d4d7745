"""All figures of a study as one PDF: a page each, what it says below it, and what it was made of at the foot."""

import textwrap
from collections.abc import Mapping
from pathlib import Path

from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from gradflow.errors import GradflowError
from gradflow.files import atomic_write
from gradflow.report.figures import figures
from gradflow.report.figures._width import fit
from gradflow.report.figures.style import drawing

WIDTH, PAGE = 183 / 25.4, (210 / 25.4, 297 / 25.4)  # inches: of a figure, of a page, which is longer where it must be
MARGIN = (PAGE[0] - WIDTH) / 2
LETTER, LINE, LETTERS = 8, 11 / 72, 120  # points; inches from line to line; letters in one


def write_study_pdf(
    path: Path, files: Mapping[str, list[Path]], settings: dict, captions: Mapping[str, str], finding: str, origin: str
) -> None:
    """Write the pages of the figures named in `captions`, {figure: what its caption says}.

    files, settings: as of `gradflow.report.figures.FigureKind.write`. finding: of the study. origin: what it was
    made of, at the foot of each page and in the metadata. A figure without room has its reason on its page instead.
    """
    kinds = {name: figures()[name] for name in captions}
    metadata = {"Title": f"{settings['study']}: figures", "Subject": finding, "Keywords": origin, "CreationDate": None}

    def write(stream) -> None:
        with drawing(WIDTH), PdfPages(stream, metadata=metadata) as pages:
            for number, (name, kind) in enumerate(kinds.items(), 1):
                figure, title = _on_page(kind.draw(files, settings))
                foot = f"{origin} · {settings['study']}/{name} · page {number} of {len(kinds)}"
                below = [(kind.title, "bold"), (title, "normal"), (finding, "normal"), (captions[name], "normal")]
                pages.savefig(figure, bbox_inches=_page(figure, below, foot))

    atomic_write(path, write)


def _on_page(figure: Figure) -> tuple[Figure, str]:
    """The figure at its width with its title; or, where it has no room, one that says so."""
    try:
        return figure, fit(figure, WIDTH)
    except GradflowError as error:
        empty = Figure(figsize=(WIDTH, 1))
        empty.text(0, 0.5, f"This figure has no room here: {error}", fontsize=LETTER, wrap=True)
        return empty, ""


def _page(figure: Figure, below: list[tuple[str, str]], foot: str) -> Bbox:
    """Write lines below a figure and at the foot of its page; return the page, in inches from the figure's corner."""
    figure.set_layout_engine("none")  # found already, for the figure alone: its legend stays at its edge
    for legend in figure.legends:
        legend.set_bbox_to_anchor((0, 0, 1, 1), figure.transFigure)
    high = figure.get_figheight()
    at = -2 * LINE
    for words, weight in below:
        lines = textwrap.wrap(words, LETTERS)
        _write(figure, at, "\n".join(lines), LETTER, weight=weight)
        at -= LINE * (len(lines) + 0.4 * bool(lines))
    feet = textwrap.wrap(foot, LETTERS * LETTER // 6)
    bottom = min(at - LINE * (1 + len(feet)), high + MARGIN - (PAGE[1] - MARGIN))
    _write(figure, bottom + LINE * len(feet), "\n".join(feet), 6, color="#666666")
    return Bbox([[-MARGIN, bottom - MARGIN], [WIDTH + MARGIN, high + MARGIN]])


def _write(figure: Figure, at: float, words: str, size: float, **style) -> None:
    """Write words at a height in inches, out of the figure's layout."""
    text = figure.text(0, at / figure.get_figheight(), words, fontsize=size, va="top", linespacing=1.3, **style)
    text.set_in_layout(False)
