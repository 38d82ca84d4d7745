"""One style for every figure: colour-blind-safe colours, readable sizes, small multiples."""

import math
import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from itertools import chain, count
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from gradflow.colours import BLACK, BLUE, CYCLE, ORANGE, SKY
from gradflow.files import atomic_write
from gradflow.labels import SUPERSCRIPTS

PHASE_COLOURS = {"init": BLACK, "one_step": ORANGE, "middle": SKY, "end": BLUE}
LETTERS_AN_INCH = 11  # of a figure's title
LINES = ("-", "--", ":", "-.")
STYLE = {
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "figure.titlesize": 12,
    "savefig.dpi": 130,
    "svg.hashsalt": "gradflow",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,  # TrueType, whole: text stays text
    "text.parse_math": False,  # a $ in a name is a $
}
# Of a column of a journal: real points, as nothing is scaled afterwards; how much less high a figure is, and how much
# less wide a panel may be.
LARGEST, SMALLEST, SMALLER, NARROWER = 7, 6, 0.65, 0.48
COLUMN = {
    "font.size": LARGEST,
    "axes.titlesize": LARGEST,
    "axes.labelsize": LARGEST,
    "xtick.labelsize": SMALLEST,
    "ytick.labelsize": SMALLEST,
    "legend.fontsize": SMALLEST,
    "figure.titlesize": LARGEST,
    "lines.linewidth": 1.0,
    "savefig.dpi": 600,
}
COLUMN_WIDTH = ContextVar("inches that a figure may be wide", default=math.inf)


@contextmanager
def drawing(width: float = math.inf) -> Iterator[None]:
    """Draw and save figures in the house style, no wider than some inches; matplotlib is set as before after it."""
    asked = COLUMN_WIDTH.set(width)
    try:
        with matplotlib.rc_context(STYLE if math.isinf(width) else STYLE | COLUMN):
            yield
    finally:
        COLUMN_WIDTH.reset(asked)


def panels(
    count: int, columns: int | None = None, size: tuple[float, float] = (3.6, 2.7), **share
) -> tuple[Figure, list]:
    """Return a figure with `count` panels, and its axes; without `columns`, rows of three or four, the fuller.

    Where the figure may not be as wide, panels are smaller, and there are no more in a row than have room.
    """
    room = COLUMN_WIDTH.get()
    fitting = math.inf if math.isinf(room) else max(1, int(room / (NARROWER * size[0])))
    columns = min(columns or min(4 if count in (4, 7, 8) else 3, fitting), count)
    rows = math.ceil(count / columns)
    wide, high = max(7.2, columns * size[0]), rows * size[1] + 0.9
    figure = Figure(figsize=(wide, high) if math.isinf(room) else (room, SMALLER * high), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **share).ravel()
    for unused in axes[count:]:
        unused.remove()
    if share.get("sharex"):  # a panel with nothing below it keeps its tick labels
        for axis in axes[max(0, count - columns) : count]:
            axis.tick_params(labelbottom=True)
    return figure, list(axes[:count])


def first_of_rows(axes: list) -> list:
    """Return the panels at the left edge."""
    return axes[:: axes[0].get_subplotspec().get_gridspec().ncols]


def arm_styles(study) -> dict[str, dict]:
    """Return {arm label: line style}, no two alike; an architecture has the same colour everywhere.

    Its variants differ in dashes. Where there are more of them than dashes they take colours that no architecture has,
    as those of a single architecture do from the start; and of very many the dashes grow longer.
    """
    alone = study.arms["architecture"].nunique() == 1
    own = {label: study.colour(label) for label in study.labels}
    free = [colour for colour in CYCLE if alone or colour not in own.values()]
    taken: dict[str, tuple] = {}
    for label, colour in own.items():
        plain = [] if alone else [(colour, line) for line in LINES]
        others = [(other, line) for line in LINES for other in free]
        longer = ((colour, (0, (length, 2, 1, 2))) for length in count(8))
        taken[label] = next(one for one in chain(plain, others, longer) if one not in taken.values())
    return {label: {"color": colour, "ls": line} for label, (colour, line) in taken.items()}


def log_axis(axis, which: str = "y") -> None:
    """Make an axis logarithmic with one tick a decade, or every few where there are many."""
    getattr(axis, f"set_{which}scale")("log")
    own = getattr(axis, f"{which}axis")
    own.set_major_locator(LogLocator(base=10, numticks=7))
    own.set_major_formatter(FuncFormatter(_power_of_ten))
    own.set_minor_formatter(NullFormatter())


def _power_of_ten(value: float, _position: int) -> str:
    exponent = math.floor(math.log10(value) + 1e-9)
    mantissa, power = value / 10**exponent, f"10{str(exponent).translate(SUPERSCRIPTS)}"
    return power if math.isclose(mantissa, 1) else f"{mantissa:g}·{power}"


def whole_ticks(low: float, high: float) -> list[int]:
    """Return whole numbers between two bounds, at most seven."""
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 1000) if high - low <= 7 * step)
    return [tick * step for tick in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def means_over(seeds: int, what: str = "means") -> str:
    """Say what is drawn over how many random seeds; one has neither mean nor interval."""
    return f"{what} over {seeds} random seeds" if seeds > 1 else "one random seed"


def depth_colours(count: int):
    """Return colours from the first layer (dark) to the last (light)."""
    return matplotlib.colormaps["viridis"](np.linspace(0, 0.92, max(count, 1)))


def wrapped(text: str) -> str:
    """Break a label after its commas."""
    return text.replace(", ", ",\n")


def title(axis, text: str, note: str = "", **style) -> None:
    """Set a panel's title, broken after commas so that it stays above its own panel; note: a line below it."""
    bound = re.sub(r"(?<!,) ", "\N{NO-BREAK SPACE}", text)
    lines = textwrap.wrap(bound, 40, break_long_words=False, break_on_hyphens=False)
    axis.set_title("\n".join(filter(None, [*lines, note])), **style)


def headed(figure: Figure, subject: str, finding: str, note: str = "") -> None:
    """Set a figure's title: what it is of and what it shows, as wide as the figure; note: in brackets below it.

    Where it takes more than two lines the figure grows by them.
    """
    width = int(LETTERS_AN_INCH * figure.get_figwidth())
    said = [f"{subject}: {finding}" if subject else finding, f"({note})" if note else ""]
    lines = [line for text in said for line in textwrap.wrap(text, width, break_on_hyphens=False)]
    figure.suptitle("\n".join(lines))
    figure.set_figheight(figure.get_figheight() + 0.2 * max(0, len(lines) - 2))


def in_legend(name: str) -> str:
    """A name as a legend shows it: matplotlib leaves out those that begin with an underscore."""
    return f"\N{ZERO WIDTH SPACE}{name}" if name.startswith("_") else name


def legend_below(figure: Figure, axis, columns: int = 4) -> None:
    """Put one legend for all panels below them."""
    handles, labels = axis.get_legend_handles_labels()
    widest = 0.6 + 0.09 * max((len(label) for label in labels), default=1)  # inches, the line included
    scale = 1 if math.isinf(COLUMN_WIDTH.get()) else SMALLER
    fitting = max(1, int(min(figure.get_figwidth(), COLUMN_WIDTH.get()) / (scale * widest)))
    figure.legend(handles, labels, loc="outside lower center", ncols=min(columns, fitting, max(1, len(labels))))


def save_figure(figure: Figure, *paths: Path, title: str = "") -> None:
    """Write a figure atomically, once a path, in the format of its suffix; the same figure gives the same bytes.

    title: in the file's metadata.
    """
    for path in paths:
        kind = Path(path).suffix[1:]
        metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
        metadata |= {"Title": title} if title else {}
        atomic_write(Path(path), partial(figure.savefig, format=kind, metadata=metadata))
        figure.set_layout_engine("none")  # the layout is found: finding it again costs as much as drawing
