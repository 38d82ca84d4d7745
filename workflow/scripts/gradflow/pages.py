"""Small self-contained HTML pages: no script, nothing fetched."""

from html import escape
from pathlib import Path

import pandas as pd

from gradflow.files import atomic_write

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
img { max-width: 100%; height: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
table { display: block; overflow-x: auto; }
th, td { padding: 0.3rem 0.5rem; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top; }
th { border-bottom: 2px solid #888; }
td:first-child { min-width: 8rem; } td:has(em), td:has(small) { min-width: 14rem; }
td + td:has(small) { min-width: 26rem; }
code { background: #f3f3f3; padding: 0 0.2em; } .anchor-link { display: none; }
"""


def page(title: str, body: str) -> str:
    """Return a whole HTML page in the house style around a body."""
    head = (
        f'<meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def table_page(path: Path, title: str, table: pd.DataFrame, note: str = "") -> None:
    """Write a page that shows a table."""
    cells = table.to_html(index=False, border=0, na_rep="–", formatters=_formatters(table))
    body = f"<h1>{escape(title)}</h1>\n<p>{escape(note)}</p>\n{cells}"
    atomic_write(Path(path), lambda stream: stream.write(page(title, body).encode()))


def _formatters(table: pd.DataFrame) -> dict:
    numbers = table.select_dtypes("number").columns
    return {name: lambda value: f"{value:,}" for name in numbers}
