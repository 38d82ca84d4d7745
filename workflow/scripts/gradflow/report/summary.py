"""The opening page: the answer on one screen, as the report's own text and as a page of its own."""

from collections.abc import Iterable
from html import escape
from itertools import chain
from pathlib import Path
from textwrap import wrap

import pandas as pd

from gradflow.analysis.study import read_study
from gradflow.analysis.what_helps import arms_and_comparisons
from gradflow.files import atomic_write
from gradflow.report.pages import write_page
from gradflow.report.prose.summary import factors_a_layer, headline, helps_table, limits, sentences
from gradflow.report.summary_figures import helps_figure, helps_shown, profiles_figure, starts_shown

TITLE = "gradflow: the answer"
BESIDE = {"analysis.html": "All questions, answered", "explorer.html": "The explorer", "slides.html": "Ten slides"}
LINE = 9_000  # characters: docutils reads no line of 10,000


def summary_body(
    tables: Path, studies: Iterable[str], thresholds: dict, datasets: list[dict], claims: pd.DataFrame
) -> str:
    """Return the page's body. Names come from people's data and are text, whatever they look like.

    tables: their folder; datasets: what each `dataset.json` holds; claims: the table of verdicts.
    """
    arms, found = arms_and_comparisons([read_study(tables, study) for study in studies], thresholds)
    told = headline(arms, found)
    parts = [f"<h1>{escape(told)}</h1>", *(f"<p>{escape(said)}</p>" for said in sentences(arms, found))]
    starts, helps = starts_shown(found, arms), helps_shown(found)
    pictures = []
    if starts:
        title = "Same depth, another start" if any(len(some) > 1 for some in starts) else "The gradient of each layer"
        note = "band: random seeds; thin: theory" + ("; dashed: before" if found else "")
        pictures.append(_captioned(title, note, profiles_figure(starts, f"{title}: {sentences(arms, found)[0]}")))
    if helps:
        pictures.append(_captioned("What helps", "Blue: helps", helps_figure(helps, thresholds, f"What helps: {told}")))
    parts.append(f'<div class="pictures">{"".join(pictures)}</div>')
    parts += [_told_in_rows(helps_table(found))] if found else []
    factors = factors_a_layer(list(chain(*starts)))
    if factors:
        strip = "".join(f"<li><b>{escape(label)}</b> {escape(said)}</li>" for label, said in factors)
        parts.append(f"<ul><li>Factor a layer, predicted | measured:</li>{strip}</ul>")
    parts.append(f'<p class="limits">{escape(limits(arms, datasets, claims))}</p>')
    return '<div class="gradflow">\n' + "\n".join(parts) + "\n</div>"


def write_summary(rst: Path, html: Path, style: str, introduction: str, body: str, explorer: bool) -> None:
    """Write the body as a page of its own with a stylesheet, and as the report's text before an introduction.

    Its own page has links to those BESIDE; explorer: whether there is one.
    """
    there = {name: title for name, title in BESIDE.items() if explorer or name != "explorer.html"}
    links = " · ".join(f'<a href="{name}">{title}</a>' for name, title in there.items())
    write_page(html, TITLE, f"<style>{style}</style>\n{body}\n<p>{links}</p>")
    # Snakemake reads the report's text as a template, and docutils no long lines.
    lines = chain.from_iterable(
        wrap(line, LINE, break_long_words=False, break_on_hyphens=False)
        for line in body.replace("{", "&#123;").splitlines()
    )
    text = ".. raw:: html\n\n" + "\n".join(f"   {line}" for line in lines) + f"\n\n{introduction}"
    atomic_write(Path(rst), lambda stream: stream.write(text.encode()))


def _captioned(title: str, note: str, svg: str) -> str:
    return f"<figure><figcaption><b>{escape(title)}</b> <small>{escape(note)}</small></figcaption>\n{svg}</figure>"


def _told_in_rows(rows: list[tuple[str, str, str]]) -> str:
    cells = "\n".join(
        f"<tr><th scope=row>{escape(verdict)}</th><td>{escape(changes)} <small>{escape(meaning)}</small></td></tr>"
        for verdict, meaning, changes in rows
    )
    return f"<table>{cells}</table>"
