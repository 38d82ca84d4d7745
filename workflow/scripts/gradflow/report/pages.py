"""Small self-contained HTML pages: no script, nothing fetched, and never too large for a report to show."""

import base64
import io
import re
from html import escape
from pathlib import Path

import pandas as pd
from PIL import Image

from gradflow.errors import GradflowError
from gradflow.files import atomic_write

# A report shows a page through a frame's data: URL, in base64. Where that is longer than 2 MiB, Chromium shows nothing
# and says nothing.
PAGE_BYTES = 1_572_000
PICTURE = re.compile(r'<img alt="[^"]*" data-file="([^"]*)" src="data:[^"]*" ?/?>')  # nbconvert closes what we do not
STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --faint: #6b7280; --rule: #8884; --tint: #8882; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #14161a; --faint: #9aa3b2; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; } h2 { margin: 2rem 0 0.5rem; } p, ul { margin: 0.5rem 0; }
img { max-width: min(100%, 54rem); height: auto; background: #fff; }
svg { display: block; width: 100%; max-width: 40rem; height: auto; }
table { border-collapse: collapse; margin: 0.75rem 0; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
table { display: block; overflow-x: auto; line-height: 1.35; }
th, td { padding: 0.25rem 0.5rem; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; }
th { border-bottom: 2px solid var(--faint); }
td:first-child { min-width: 8rem; } td:has(em), td:has(> small) { min-width: 14rem; }
td + td:has(> small) { min-width: 26rem; }
a { color: inherit; } details { margin: 0.5rem 0; } details details { margin-left: 1rem; } td details { margin: 0; }
summary { cursor: pointer; } td summary { white-space: nowrap; }
pre { overflow-x: auto; background: var(--tint); padding: 0.5rem; font-size: 0.8125rem; line-height: 1.35; }
code { background: var(--tint); padding: 0 0.2em; overflow-wrap: anywhere; } pre code { background: none; }
.anchor-link { display: none; }
"""


def page(title: str, body: str) -> str:
    """Return a whole HTML page in the house style around a body."""
    head = (
        f'<meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body><main>\n{body}\n</main></body></html>\n'


def write_page(path: Path, title: str, body: str) -> None:
    """Write a page; pictures that it has no room for are replaced, from the last on, by where they are.

    Raises GradflowError if it is too large without any.
    """
    for match in reversed(list(PICTURE.finditer(body))):
        if fits(title, body):
            break
        elsewhere = f"<em>The figure <code>{match[1]}</code> has no room here: see it there or in the report.</em>"
        body = body[: match.start()] + elsewhere + body[match.end() :]
    write_html(path, page(title, body))


def write_html(path: Path, text: str) -> None:
    """Write a whole page as it is: every HTML result goes through here.

    Raises GradflowError if it is larger than a report can show.
    """
    content = text.encode()
    if len(content) > PAGE_BYTES:
        raise GradflowError(
            f"{path} would take {len(content):,} bytes, and a browser shows no page of a report above {PAGE_BYTES:,}: "
            "select fewer studies."
        )
    atomic_write(Path(path), lambda stream: stream.write(content), needed=len(content))


def fits(title: str, body: str) -> bool:
    """Say whether a page is small enough that a report can show it."""
    return len(page(title, body).encode()) <= PAGE_BYTES


def picture(content: bytes, kind: str, alt: str, file: Path) -> str:
    """Return an element that holds a picture; kind: its media type, as in image/<kind>; file: where people find it."""
    source = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    return f'<img alt="{escape(alt)}" data-file="{escape(str(file))}" src="{source}">'


def figure(path: Path, alt: str, file: Path) -> str:
    """Return an element that holds a drawn figure, as WebP in at most 64 colours: a sixth of its PNG's bytes."""
    buffer = io.BytesIO()
    with Image.open(path) as drawn:
        few = drawn.convert("RGB").quantize(64, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.convert("RGB").save(buffer, "WEBP", lossless=True)
    return picture(buffer.getvalue(), "webp", alt, file)


def folded(summary: str, body: str, anchor: str = "") -> str:
    """Return an element that shows its summary, and its body once it is opened, as a link to the anchor does."""
    place = f'<div id="{escape(anchor)}"></div>' if anchor else ""
    return f"<details><summary>{escape(summary)}</summary>{place}\n{body}\n</details>"


def table_page(path: Path, title: str, table: pd.DataFrame, note: str = "") -> None:
    """Write a page that shows a table."""
    cells = table.to_html(index=False, border=0, na_rep="–", formatters=_formatters(table))
    body = f"<h1>{escape(title)}</h1>\n<p>{escape(note)}</p>\n{cells}"
    write_page(path, title, body)


def _formatters(table: pd.DataFrame) -> dict:
    numbers = table.select_dtypes("number").columns
    return {name: lambda value: f"{value:,}" for name in numbers}
