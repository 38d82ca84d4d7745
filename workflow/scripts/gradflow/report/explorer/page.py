"""The page of the explorer: the frame, the style, the script, D3 and the packed arms in one file."""

from bisect import bisect_left
from collections.abc import Sequence
from html import escape
from pathlib import Path

from mpld3.urls import D3_LOCAL

from gradflow.errors import GradflowError
from gradflow.report.explorer.arms import ExploredArm
from gradflow.report.explorer.packing import LADDER, gzipped, pack
from gradflow.report.pages import PAGE_BYTES, write_html

HERE = Path(__file__).parent
TITLE = "Gradient explorer"
DATA = "<!-- the packed arms -->"
SCRIPTS = (
    "data", "scales", "chart", "export", "navigator", "profile", "heatmap", "outcome", "meanfield", "predict", "main",
)  # fmt: skip


def write_explorer(path: Path, title: str, arms: Sequence[ExploredArm]) -> None:
    """Write the explorer of some arms; where they have no room, steps and then random seeds are left out, as it says.

    Raises GradflowError if there are none, or so many that nothing helps.
    """
    frame = _frame(title)
    room = PAGE_BYTES - len(frame.encode())
    rung = bisect_left(LADDER, True, key=lambda thinning: len(pack(arms, thinning)) <= room)
    if rung < len(LADDER):
        write_html(path, frame.replace(DATA, pack(arms, LADDER[rung])))
        return
    raise GradflowError(
        f"{path} was not written: {len(arms)} arms have no room in {PAGE_BYTES:,} bytes, thinned to a dozen steps and "
        "a random seed each: select fewer studies."
    )


def _frame(title: str) -> str:
    """The page without its arms, with DATA in their place."""
    script = "\n".join(_file(f"{name}.js") for name in SCRIPTS)
    frame = _file("explorer.html").replace("<!-- the style -->", f"<style>\n{_file('explorer.css')}</style>")
    frame = frame.replace("<!-- the title -->", escape(title))
    frame = frame.replace("<!-- the library -->", gzipped(Path(D3_LOCAL).read_bytes()))  # D3, as mpld3 brings it
    return frame.replace("<!-- the script -->", f"<script>\n'use strict';\n{script}</script>")


def _file(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
