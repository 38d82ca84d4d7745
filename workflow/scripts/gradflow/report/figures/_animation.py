"""Figures that move: a GIF, and the page that shows it in a report."""

import io
from dataclasses import dataclass
from html import escape
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from gradflow.files import atomic_write
from gradflow.report.pages import fits, picture, write_page


@dataclass(frozen=True)
class Animation:
    """Frames that are shown one after another, without end, and the title of their page."""

    frames: list[Figure]
    title: str
    seconds: float = 1.0

    def save(self, html: Path, gif: Path) -> None:
        """Write the frames as a GIF, and as a page that holds it, which a report shows in place.

        Of many frames the page holds every second, fourth, ..., as many as it has room for, and says so.
        """
        images = []
        for number, figure in enumerate(self.frames):
            if number:  # as the first was laid out, so that nothing jumps, and no time is spent on finding it again
                figure.set_layout_engine("none")
                for axis, first in zip(figure.axes, self.frames[0].axes):
                    axis.set_position(first.get_position())
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png", dpi=80)
            images.append(Image.open(buffer).convert("P", palette=Image.Palette.ADAPTIVE, colors=64))
        whole = _animated(images, self.seconds)
        atomic_write(gif, lambda stream: stream.write(whole), needed=len(whole))
        body = _body(whole, self.title, gif)
        if not fits(self.title, body):
            body = _thinned(images, self.seconds, self.title, gif) or body
        write_page(html, self.title, body)


def _body(whole: bytes, title: str, gif: Path) -> str:
    return f"<h1>{escape(title)}</h1>\n" + picture(whole, "gif", title, gif)


def _thinned(images: list[Image.Image], seconds: float, title: str, gif: Path) -> str:
    """Return a page's body with every second, fourth, ... frame, as many as fit; empty if not even one does."""
    file = escape(str(gif))
    for every in (2**power for power in range(1, len(images).bit_length() + 1)):
        note = f"<p>One epoch in {every} is shown, as this page has no room for all; <code>{file}</code> has them.</p>"
        body = _body(_animated(images[::every], seconds), title, gif) + note
        if fits(title, body):
            return body
    return ""


def _animated(images: list[Image.Image], seconds: float) -> bytes:
    """Return an endless GIF of some frames, each shown for so long."""
    buffer = io.BytesIO()
    timing = {"duration": int(1000 * seconds), "loop": 0}
    images[0].save(buffer, "GIF", save_all=True, append_images=images[1:], optimize=True, **timing)
    return buffer.getvalue()
