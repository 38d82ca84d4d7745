"""Text that lies over other text in a figure, measured from the boxes in which it is drawn."""

from itertools import combinations
from unittest import mock

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

SLACK = 1.0  # pixels at 100 dots an inch: boxes are a little larger than letters


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Return the pairs of texts of a figure that overlap, of those that are drawn."""
    boxes = []

    def record(text: Text, renderer) -> None:
        if text.get_visible() and text.get_text().strip():
            boxes.append((text.get_text(), Text.get_window_extent(text, renderer)))  # without an arrow

    with mock.patch.object(Text, "draw", record):
        FigureCanvasAgg(figure).draw()
    return [
        (one, other)
        for (one, a), (other, b) in combinations(boxes, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > SLACK and min(a.y1, b.y1) - max(a.y0, b.y0) > SLACK
    ]
