"""A figure in a column of a journal: laid out again at its width, or refused where its texts have no room there."""

import textwrap
import warnings
from itertools import combinations
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator

from gradflow.errors import GradflowError
from gradflow.report.figures.style import LARGEST, SMALLER, SMALLEST

ROUNDS = 4  # of wrapping labels and laying out again: a label in more lines moves its neighbours
GAP = 2  # pixels between neighbouring labels, at 100 dots an inch
NARROW, HIGHEST = 90 / 25.4, 247 / 25.4  # inches: of one column; of a page
NAMES = 0.3  # of a figure's width that the names of rows may take
SLACK = 1.0  # pixels by which boxes may overlap: they are a little larger than letters


class _Box(NamedTuple):
    text: str
    left: float
    right: float
    bottom: float
    top: float


def fit(figure: Figure, width: float) -> str:
    """Lay a drawn figure out at a width in inches: letters of 6 to 7 points, labels broken where they have no room.

    Its title, which a journal sets in the caption, goes, and is returned.
    Raises GradflowError where text would lie over text, or be cut off, all the same.
    """
    if figure.get_figwidth() != width:  # one that takes no notice of the width that it is for
        figure.set_size_inches(width, SMALLER * figure.get_figheight())
    title = _take_title(figure)
    for text in figure.findobj(Text):
        text.set_fontsize(min(max(text.get_fontsize(), SMALLEST), LARGEST))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # panels that labels leave no room before these are broken
        whole: dict = {}
        for _ in range(ROUNDS):
            figure.draw_without_rendering()
            if not (_wrap_names(figure, whole) or _wrap_labels(figure, whole)):
                break
        warnings.filterwarnings("error", "constrained_layout not applied")
        try:
            faults = crowded(figure)
        except UserWarning:
            faults = ["its panels have no room"]
    if figure.get_figheight() > HIGHEST:
        faults = [f"it would be {figure.get_figheight() * 25.4:.0f} mm high, more than a page"]
    if faults:
        more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
        wider = "" if width > NARROW else "take it at 183 mm, or "
        raise GradflowError(f"at {width * 25.4:.0f} mm {faults[0]}{more}: {wider}select fewer arms.")
    return title


def crowded(figure: Figure) -> list[str]:
    """Say which texts of a figure lie over each other, or reach beyond its edge, of those that are drawn."""
    width, height = figure.get_size_inches() * figure.dpi
    boxes = _Measure(width, height, figure.dpi).boxes_of(figure)
    cut = [
        f"{box.text!r} is cut off"
        for box in boxes
        if min(box.left, box.bottom, width - box.right, height - box.top) < -SLACK
    ]
    return cut + [
        f"{a.text!r} lies over {b.text!r}"
        for a, b in combinations(boxes, 2)
        if min(a.right, b.right) - max(a.left, b.left) > SLACK and min(a.top, b.top) - max(a.bottom, b.bottom) > SLACK
    ]


class _Measure(RendererAgg):
    """Draws as for the screen, and notes where each line of text comes to lie, in pixels from the lower left."""

    def boxes_of(self, figure: Figure) -> list[_Box]:
        self.boxes: list[_Box] = []
        figure.draw(self)
        return self.boxes

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        along, high, below = self.get_text_width_height_descent(s, prop, ismath)
        y, above = self.height - y, high - below
        upwards = angle % 180 == 90
        box = (x - above, x + below, y, y + along) if upwards else (x, x + along, y - below, y + above)
        self.boxes.append(_Box(s, *box))


def _take_title(figure: Figure) -> str:
    """Take a figure's title away, or that of its only panel, and return it in one line."""
    title = figure.get_suptitle()
    figure.suptitle("")
    if len(figure.axes) == 1 and not title:
        for side in ("left", "center", "right"):
            title = title or figure.axes[0].get_title(loc=side)
            figure.axes[0].set_title("", loc=side)
    return " ".join(title.split())


def _wrap_labels(figure: Figure, whole: dict) -> bool:
    """Break titles and labels of axes that are wider than the room between their neighbours; say whether any was.

    whole: {text: its words before any were broken}, which is added to.
    """
    renderer = FigureCanvasAgg(figure).get_renderer()
    width, height = figure.get_size_inches() * figure.dpi
    boxes = {axis: axis.get_window_extent(renderer) for axis in figure.axes}
    labels = []
    for axis, box in boxes.items():
        right = min([other.x0 for other in boxes.values() if other.x0 >= box.x1], default=width)
        left = max([other.x1 for other in boxes.values() if other.x1 <= box.x0], default=0)
        above = min([other.y0 for other in boxes.values() if other.y0 >= box.y1], default=height)
        below = max([other.y1 for other in boxes.values() if other.y1 <= box.y0], default=0)
        centre, middle = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
        labels += [
            (axis.xaxis.label, 2 * min(centre - left, right - centre), "width"),
            (axis.yaxis.label, 2 * min(middle - below, above - middle), "height"),
            *((text, right - box.x0, "width") for text in axis.get_children() if _is_title(axis, text)),
        ]
    return any([_wrap(*label, renderer, whole) for label in labels])


def _is_title(axis: Axes, artist) -> bool:
    return isinstance(artist, Text) and artist.get_text() != "" and artist.get_text() == axis.get_title(loc="left")


def _wrap(text: Text, room: float, side: str, renderer, whole: dict) -> bool:
    """Break a text that takes more than some pixels on a side; say whether it was."""
    words = text.get_text()
    takes = getattr(text.get_window_extent(renderer), side) if words else 0
    if takes > room - GAP:
        text.set_text(_filled(whole.setdefault(text, words), _longest([words]) * (room - GAP) / takes))
    return text.get_text() != words


def _wrap_names(figure: Figure, whole: dict) -> bool:
    """Break names of rows that take more than their share of the figure; say whether any was."""
    renderer, room = FigureCanvasAgg(figure).get_renderer(), NAMES * figure.get_figwidth() * figure.dpi
    broken = False
    for axis in figure.axes:
        names = [text.get_text() for text in axis.get_yticklabels() if text.get_visible()]
        widest = max((text.get_window_extent(renderer).width for text in axis.get_yticklabels()), default=0)
        if any(names) and isinstance(axis.yaxis.get_major_locator(), FixedLocator) and widest > room:
            letters = _longest(names) * room / widest
            shorter = [_filled(name, letters) for name in whole.setdefault(axis, names)]
            axis.set_yticklabels(shorter)
            broken |= shorter != names
    return broken


def _longest(names: list[str]) -> int:
    return max(len(line) for name in names for line in name.splitlines())


def _filled(words: str, letters: float) -> str:
    """Break each line of a text into lines of so many letters, between words."""
    lines = words.replace("\N{NO-BREAK SPACE}", " ").splitlines()
    limits = {"width": max(1, int(letters)), "break_long_words": False, "break_on_hyphens": False}
    return "\n".join(textwrap.fill(line, **limits) for line in lines)
