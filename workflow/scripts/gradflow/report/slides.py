"""Ten slides for a lecture, computed from the tables of a run: one page that opens offline, and prints as ten pages."""

from collections.abc import Iterable
from html import escape
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from nbconvert.filters import markdown2html

from gradflow.analysis.claims.settle import REFUTED, SUPPORTED
from gradflow.analysis.study import read_study
from gradflow.analysis.what_helps import HELPS, HIDES, Comparison, InitialArm, arms_and_comparisons
from gradflow.report.notebook_figures import predicted_rows, prediction_figure, where_figure
from gradflow.report.pages import figure, write_page
from gradflow.report.prose.citation import commits_and_devices
from gradflow.report.prose.claims import MARKS, verdict_counts
from gradflow.report.prose.depth import deepest, evenness, kinds_at_depth
from gradflow.report.prose.networks import extremes
from gradflow.report.prose.remedies import what_is_hidden
from gradflow.report.prose.summary import becomes, helps_table, how_many_vanish, limits, networks, sentences
from gradflow.report.prose.theory import factors_table, how_well, typical_error
from gradflow.report.summary_figures import helps_figure, helps_shown, profiles_figure, starts_shown
from gradflow.report.wording import code, markdown_table, plain

TITLE = "Slides: do gradients vanish, and what helps?"
LOWEST, HIGHEST = 8, 4  # networks of the second slide
HIDDEN = 3  # comparisons of optimizers on one slide


class Slide(NamedTuple):
    """A slide: its finding as plain text, Markdown below it, a picture as an element, and notes for the speaker."""

    finding: str
    text: str
    picture: str = ""
    notes: str = ""


class Story(NamedTuple):
    """What the slides tell of: arms at initialisation, comparisons of them, and the thresholds of the verdict."""

    arms: list[InitialArm]
    found: list[Comparison]
    thresholds: dict


def slides(
    tables: Path,
    studies: Iterable[str],
    thresholds: dict,
    datasets: list[dict],
    claims: pd.DataFrame,
    depth_at_init: pd.DataFrame,
    depth_figure: Path | None,
    command: str,
) -> list[Slide]:
    """Return the ten slides of a run; what it has not measured has a slide that says so.

    tables: their folder; datasets: what each `dataset.json` holds; claims: the table of verdicts; depth_figure: of
    networks of growing depth, where they were measured; command: what makes the run again.
    """
    read = [read_study(tables, study) for study in studies]
    arms, found = arms_and_comparisons(read, thresholds)
    told = Story(arms, found, thresholds)
    starts = starts_shown(told.found, arms)
    return [
        _question(told, read),
        _where(told),
        _starts(told, starts),
        _foretold(told, starts, read),
        _helps(told),
        _learning(told),
        _hidden(told),
        _depth(depth_at_init, depth_figure),
        _claims(claims),
        _again(limits(arms, datasets, claims), command, *commits_and_devices(read)),
    ]


def write_slides(path: Path, style: str, shown: list[Slide]) -> None:
    """Write slides as one page with a stylesheet."""
    sections = [_section(slide, f"{number} / {len(shown)}") for number, slide in enumerate(shown, 1)]
    write_page(path, TITLE, f"<style>{style}</style>\n" + "\n".join(sections))


def _section(slide: Slide, number: str) -> str:
    heading = "h1" if number.startswith("1 ") else "h2"
    picture = f'<div class="picture">{slide.picture}</div>' if slide.picture else ""
    notes = f"<details><summary>Notes</summary><p>{escape(slide.notes)}</p></details>" if slide.notes else ""
    return (
        f"<section><{heading}>{escape(slide.finding)}</{heading}>\n"
        f'<div class="shown">{picture}<div class="text">{markdown2html(slide.text)}</div></div>\n'
        f'<footer>{notes}<span class="number">{number}</span></footer></section>'
    )


def _lines(*lines: str) -> str:
    return "\n".join(f"- {line}" for line in lines if line)


def _question(told: Story, studies: list) -> Slide:
    trainings = len({run for arm in told.arms for run in arm.runs})
    return Slide(
        "Do gradients vanish in deep networks, and what helps?",
        _lines(
            f"{len(networks(told.arms))} networks at initialisation, {trainings} trainings",
            f"{len(studies)} studies: {plain('; '.join(study.title for study in studies))}" if studies else "",
            "Every number on these slides is computed from this run",
        ),
        notes="A gradient vanishes if hardly any of it arrives at the first layer. Before the next slide, let the "
        "class guess: by how much does each layer shrink it?",
    )


def _where(told: Story) -> Slide:
    every = sorted(
        (arm for arm in networks(told.arms) if np.isfinite(arm.decades.middle)), key=lambda arm: arm.decades.middle
    )
    shown = every if len(every) <= LOWEST + HIGHEST else every[:LOWEST] + every[-HIGHEST:]
    some = f"The {LOWEST} lowest and the {HIGHEST} highest are shown" if len(shown) < len(every) else ""
    said = f"Decades at init{extremes(told.arms)}"
    return Slide(
        how_many_vanish(told.arms),
        _lines(plain(said), some, "A decade is a factor of ten: at −16 decades 10⁻¹⁶ of the gradient arrives"),
        where_figure(shown, told.thresholds, said) if shown else "",
        "Ratios, not sizes: the first layer's gradient over the last one's, before any training.",
    )


def _starts(told: Story, starts: list[tuple[InitialArm, ...]]) -> Slide:
    finding = "The gradient of each layer, over the last one's"
    if starts and len(starts[0]) > 1:
        finding = f"Same depth, another start: in {starts[0][0].label} {becomes(starts[0])}"
    first, *_ = sentences(told.arms, told.found)
    pairs = [plain(f"{pair[0].label}: {becomes(pair)} ({pair[1].label})") for pair in starts if len(pair) > 1]
    return Slide(
        finding,
        _lines(*(pairs or [plain(first)]), "Band: random seeds; thin: theory; dashed: before"),
        profiles_figure(starts, f"{finding}. {first}") if starts else "",
        "A straight line on a logarithmic axis is a constant factor a layer. Ask: where would a network of twice the "
        "depth end?",
    )


def _foretold(told: Story, starts: list, studies: list) -> Slide:
    explained = any(len(predicted_rows(arm)) for arm in networks(told.arms))
    if not explained:
        return Slide("No network of this run was explained", "")
    said = how_well(studies)
    return Slide(
        f"Predicted before any backward pass, and {typical_error(studies)[0]:.2f} decades off",
        f"{said}\n\n{factors_table(list(chain(*starts[:1])))}",
        prediction_figure(networks(told.arms), said),
        "The prediction uses one forward pass and nothing of the backward pass: it could be wrong. Torch's default "
        "with ReLU keeps √(1/6), 0.41, of the gradient a layer; He's initialisation keeps all of it.",
    )


def _helps(told: Story) -> Slide:
    helped = sum(one.verdict == HELPS for one in told.found)
    shown = helps_shown(told.found)
    finding = f"{helped} of {len(told.found)} changes bring the gradient back and let the network learn"
    if not helped:
        finding = "Nothing that was tried helps" if told.found else "There was nothing to mend, or nothing was tried"
    rows = [f"**{verdict}**: {plain(changes)}" for verdict, _, changes in helps_table(told.found) if verdict == HELPS]
    return Slide(
        finding,
        _lines(*rows, "Blue: helps. At the right: test accuracy before → after"),
        helps_figure(shown, told.thresholds, finding) if shown else "",
        "Each arrow is one change, everything else and the random seeds being the same.",
    )


def _learning(told: Story) -> Slide:
    others = [row for row in helps_table(told.found) if row[0] != HELPS]
    count = sum(one.verdict != HELPS for one in told.found)
    finding = f"A gradient that arrives is not yet a network that learns: {count} of {len(told.found)} changes"
    if not others:
        finding = "Every change that was tried helps" if told.found else "No change was tried"
    rows = [[f"**{verdict}**", plain(changes), meaning] for verdict, meaning, changes in others]
    return Slide(
        finding,
        markdown_table(["verdict", "change (network)", "what it means"], rows) if rows else "",
        notes="Two things are asked of a remedy: the gradient within bounds, and a test accuracy above chance.",
    )


def _hidden(told: Story) -> Slide:
    some = [one for one in told.found if one.settings == ("optimizer",)]
    hidden = sum(one.verdict == HIDES for one in some)
    finding = f"Another optimizer hides the vanishing gradient ({hidden} of {len(some)} comparisons)"
    if not hidden:
        finding = "Another optimizer hides no vanishing gradient here" if some else "No optimizers were compared here"
    return Slide(
        finding,
        "\n".join(what_is_hidden(some).splitlines()[:HIDDEN])
        + "\n\nAdam divides the gradient by its own size: the update is lively whatever is left of the gradient.",
        notes="The loss curve alone does not tell a vanishing gradient. Ask: what would tell it?",
    )


def _depth(depth_at_init: pd.DataFrame, picture: Path | None) -> Slide:
    if depth_at_init.empty or picture is None:
        return Slide("Networks of growing depth were not measured here", "")
    return Slide(
        evenness(depth_at_init),
        _lines(
            *map(plain, kinds_at_depth(depth_at_init)), "Correlation: of the gradients of two images that hardly differ"
        ),
        figure(picture, deepest(depth_at_init), Path(picture.name)),
        "CIFAR ResNets before any training. Batch norm keeps sizes, and shatters: neighbouring images get unrelated "
        "gradients.",
    )


def _claims(claims: pd.DataFrame) -> Slide:
    if claims.empty:
        return Slide("No claim was asked here", "")
    first = claims.drop_duplicates("id")
    examples = [first[first["verdict"] == verdict].head(1) for verdict in (SUPPORTED, REFUTED)]
    rows = [
        [f"{mark} {verdict}", ", ".join(map(plain, first[first["verdict"] == verdict]["id"]))]
        for verdict, mark in MARKS.items()
    ]
    return Slide(
        f"{len(first)} claims of the literature: {verdict_counts(claims).rstrip('.')}",
        markdown_table(["verdict here", "claims"], rows)
        + "\n\n"
        + _lines(*(f"{one.verdict}: {plain(one.claim)}" for some in examples for one in some.itertuples())),
        notes="What would settle a claim was written down before the run. Not decided is an answer, too.",
    )


def _again(limits_of_run: str, command: str, commits: list[str], devices: list[str]) -> Slide:
    return Slide(
        "What limits this run, and how to repeat it",
        _lines(
            plain(limits_of_run),
            f"The same again, to the byte on the same machine: {code(command)}",
            f"Trained by commit {', '.join(map(code, commits))} on {', '.join(map(code, devices))}" if commits else "",
        ),
        notes="Exercises of 20 to 45 minutes, with solutions, are in the folder exercises.",
    )
