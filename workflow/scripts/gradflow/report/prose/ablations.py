"""What one setting changes, said in words: pairs of arms that share everything else, random seeds included."""

import numpy as np

from gradflow.analysis.ablations import (
    ACTIVATION_GRADIENT,
    Effect,
    ablation_effects,
    effects,
    with_and_without,
    without_end,
)
from gradflow.analysis.study import StudyTables
from gradflow.report.wording import change, markdown_table, plain, signed


def effect(study: StudyTables, field: str, with_value, without_value, name: str) -> str:
    """Answer c and d: what a setting changes, in arms that share everything else, random seeds included."""
    pairs = with_and_without(study, field, with_value, without_value)
    at_init, at_end = (
        effects(study, study.run_decades(ACTIVATION_GRADIENT, phase), pairs) for phase in ("init", "end")
    )
    sentences = [
        f"- **{plain(one.label)}**: at init {name} {change(one.difference, one.significant)}; {_at_end(study, last)}."
        for one, last in zip(at_init, at_end)
    ]
    return "\n".join(sentences) or "No two arms of this run differ in this setting alone."


def _at_end(study: StudyTables, last: Effect) -> str:
    if not (last.difference.n or last.difference.lost):
        return f"there is no end to compare ({without_end(study, last)})"
    return f"at the end of training it {change(last.difference, last.significant)}"


def ablation_table(study: StudyTables) -> str:
    """Tabulate what each arm changes against the one from which it differs in one thing; bold is significant."""
    found = ablation_effects(study)
    rows = []
    for row in zip(*found.values()):
        cells = [_said(study, one, 2 if name == "test accuracy" else 1) for name, one in zip(found, row)]
        rows.append([plain(row[0].label), plain(row[0].baseline), *cells])
    return markdown_table(["arm", "against", *(f"change of {name}" for name in found)], rows)


def ablation_summary(study: StudyTables) -> str:
    """Answer e: the ablation's findings in sentences; what is not significant is not called a finding."""
    return " ".join(_finding(name, found) for name, found in ablation_effects(study).items())


def _finding(name: str, found: list[Effect]) -> str:
    sure = sorted((one for one in found if one.significant), key=lambda one: -abs(one.difference.value))
    if not sure:
        return f"No change of the {name} is significant."
    digits = 2 if name == "test accuracy" else 1
    said = "; ".join(f"{plain(one.label)} against {plain(one.baseline)} {_size(one, digits)}" for one in sure[:3])
    rest = f", and {len(sure) - 3} smaller" if len(sure) > 3 else ""
    judged = sum(not np.isnan(one.p) for one in found)
    return f"A change of the {name} is significant in {len(sure)} of {judged} pairs that differ: {said}{rest}."


def _size(one: Effect, digits: int) -> str:
    """A difference in words; an infinite one comes of a gradient that is exactly zero in an arm."""
    return "to or from exactly zero" if np.isnan(one.difference.value) else signed(one.difference, digits)


def _said(study: StudyTables, one: Effect, digits: int) -> str:
    if not (one.difference.n or one.difference.lost):
        return without_end(study, one)
    said = _size(one, digits) if one.significant else signed(one.difference, digits)
    return f"**{said}**" if one.significant else said
