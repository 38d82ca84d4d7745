"""The claims' verdicts in words and tables, from the table that gradflow.analysis.claims.settle made."""

import numpy as np
import pandas as pd

from gradflow.analysis.claims.measures import ratio
from gradflow.analysis.claims.settle import FAILED, MIXED, NO_EFFECT, REFUTED, SUPPORTED, UNDECIDED
from gradflow.analysis.statistics import estimate_mean
from gradflow.analysis.study import StudyTables
from gradflow.report.wording import markdown_table, plain, times

MARKS = {SUPPORTED: "✓", REFUTED: "✗", MIXED: "±", UNDECIDED: "?"}
QUANTITIES = {
    "grad_output_norm": "the batch's norm ‖∂L/∂z‖, which the notebook records",
    "grad_rms": "the same per element, free of the layers' sizes",
    "weight_grad_norm": "the weight gradient ‖∂L/∂W‖",
}


def verdict_counts(claims: pd.DataFrame) -> str:
    """Say how many claims came out how."""
    counts = claims.drop_duplicates("id")["verdict"].value_counts()
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in MARKS if verdict in counts) + "."


def claims_table(claims: pd.DataFrame) -> str:
    """Tabulate every claim with its verdict and what each of its tests measured."""
    rows = []
    for name, tests in claims.groupby("id", sort=False):
        first = tests.iloc[0]
        evidence = "<br>".join(f"<small>{_evidence(test)}</small>" for test in tests.itertuples())
        rows.append(
            [f"**{name}** {first.claim} *({first.source})*", f"**{MARKS[first.verdict]} {first.verdict}**", evidence]
        )
    return markdown_table(["claim", "verdict here", "measured, 95 % interval (holds if)"], rows)


def decided_table(claims: pd.DataFrame) -> str:
    """Tabulate the claims that are decided here, what was measured folded into their rows."""
    rows = []
    for verdict in (SUPPORTED, MIXED, REFUTED):
        for name, tests in claims[claims["verdict"] == verdict].groupby("id", sort=False):
            first = tests.iloc[0]
            evidence = "<br>".join(f"<small>{_evidence(test)}</small>" for test in tests.itertuples())
            holds = f"{sum(tests['outcome'] == 'holds')} of {len(tests)} hold"
            rows.append([
                f"**{plain(name)}** {plain(first.claim)} *({plain(first.source)})*",
                f"**{MARKS[verdict]}\u00a0{verdict}**",
                f"<details><summary>{holds}</summary>{evidence}</details>",
            ])  # fmt: skip
    return markdown_table(["claim", "verdict here", "measured"], rows) if rows else ""


def why_undecided(claims: pd.DataFrame) -> str:
    """List why claims are not decided here, each reason with the claims that it is of."""
    open_ones = claims[claims["verdict"] == UNDECIDED]
    told = open_ones[~open_ones["outcome"].isin(("holds", *FAILED))]
    grouped = told.groupby("outcome", sort=False)["id"].unique()
    return "\n".join(f"- {plain(why)}: {', '.join(map(plain, names))}" for why, names in grouped.items())


def reasons(claims: pd.DataFrame, notes: dict[str, str]) -> str:
    """Say for each claim that is refuted or mixed why it is; notes: {id: what to know beside it}."""
    said = []
    for name, tests in claims[claims["verdict"].isin((REFUTED, MIXED))].groupby("id", sort=False):
        fails = [
            f"{test.test} is {_value(test)}, not {test.rule}{_null(test)}"
            for test in tests.itertuples()
            if test.outcome in FAILED
        ]
        holds = sum(tests["outcome"] == "holds")
        but = f" ({holds} of {len(tests)} parts hold)" if holds else ""
        note = f" {notes[name]}" if notes.get(name) else ""
        said.append(f"- **{name}** is {tests['verdict'].iloc[0]}{but}: {'; '.join(fails)}.{note}")
    return "\n".join(said) or "None."


def early_against_deep(study: StudyTables, claims: pd.DataFrame) -> str:
    """Settle C6 against C7 by their verdicts, and show the ratio that they are about by quantity and phase."""
    label = next((label for label in study.labels if study.architecture(label) == "vgg_deep"), None)
    if label is None:
        return "This run has no VGG-Deep to settle it with."
    layers, rows = ["features.0", "features.22"], []
    for quantity, name in QUANTITIES.items():
        found = [estimate_mean(study.by_seed(ratio(study, at, layers, quantity), label)) for at in ("init", "end")]
        no_end = "" if found[-1].n or found[-1].lost else study.no_end(label)
        rows.append([name, times(found[0]), no_end or times(found[-1])])
    table = markdown_table([f"first convolution over the deepest, {plain(label)}", "at init", "at the end"], rows)
    return f"{_between(*(claims[claims['id'] == name] for name in ('C6', 'C7')))}\n\n{table}"


def _between(early: pd.DataFrame, deep: pd.DataFrame) -> str:
    """What follows from the verdicts on two claims that contradict each other."""
    verdicts = [tests["verdict"].iloc[0] if len(tests) else UNDECIDED for tests in (early, deep)]
    said = "C6 is {} and C7 is {}.".format(*verdicts)
    both = {
        (SUPPORTED, REFUTED): "The early layers have the smaller norm: C6 is right here, C7 is not.",
        (REFUTED, SUPPORTED): "The deepest layers have the smaller norm, by about ten times: C7 is right, C6 is not.",
        (REFUTED, REFUTED): "Neither is right here: the two ends differ less than either claims, or the other way.",
    }.get(tuple(verdicts))
    parts = "; ".join(f"{test.test} is {_value(test)}" for test in early.itertuples() if not np.isnan(test.value))
    return f"{said} {both or 'Not both can be right; this run does not settle every part of them.'} Measured: {parts}."


def _null(test) -> str:
    return ": no effect of that size, either way" if test.outcome == NO_EFFECT else ""


def _evidence(test) -> str:
    if not test.n and np.isnan(test.value):
        return f"{test.test}: {test.outcome}"
    return f"{test.test}: {_value(test)} ({test.rule}): {test.outcome}"


def _value(test) -> str:
    if np.isnan(test.value):
        return "not finite in every random seed" if test.n else "–"
    mean, low, high = (_number(value) for value in (test.value, test.low, test.high))
    lost = f", {test.lost} not finite" if test.lost else ""
    if test.n == 0:  # a count
        return mean
    return f"{mean} (one random seed{lost})" if test.n < 2 else f"{mean} [{low}, {high}]{lost}"


def _number(value: float) -> str:
    digits = 1 if abs(value) >= 10 else 2 if abs(value) >= 0.095 else 3
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")
