"""Kinds of evidence for claims: one file of this folder each, which says all that is known of tests of its kind.

A file defines KIND; it is found by being there. What several share is here.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gradflow.analysis.schemas import TABLES
from gradflow.analysis.statistics import Estimate, estimate_difference, estimate_mean
from gradflow.analysis.tables import empty_table, files_of, read_table
from gradflow.folders import found_in
from gradflow.runs import Run

# A part of a kind's schema. A list would be several arms, and a test is about one.
SETTINGS = {
    "description": "Settings of one arm or network.",
    "type": "object",
    "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
}

PAIRED = {
    "description": "Whether both share their weights at initialisation, by design, and are compared seed by seed.",
    "type": "boolean",
}


class Missing(Exception):
    """The run at hand has no data for a test; the message says what is lacking."""


@dataclass(frozen=True)
class Kind:
    """A kind of evidence: which tests ask for it, where it is read and how a test is measured by it.

    key: the key of a test that makes it one of this kind.
    schema: the JSON schema of what such a test has beside what all have: its `properties` and what is `required`.
    read: what the run left of this evidence, from the paths of its tables and drawings; nothing where there are none.
    measure: the number that a test is about, by what was read; raises Missing where it has no data for the test.
    samples: where that number is taken over random seeds, the values that it is taken of (`samples_by_seed`).
    faults: what is wrong with a test that a schema cannot say, in words.
    lacking: which setting that a claim needs, of {name: {at_least: x} or {one_of: [...]}}, the runs do not have, by the
    test and what was read; None if they have all. Networks that are not trained have no such settings.
    looks: the numbers of random seeds at which a test is planned to be looked at, by the test and what was read.
    Networks that are not trained have all their random seeds at once.
    until: what was read, as it was at a look.
    """

    key: str
    schema: dict
    read: Callable[[list[Path]], object]
    measure: Callable[[dict, object], Estimate]
    faults: Callable[[dict], Iterable[str]] = lambda test: ()
    samples: Callable[[dict, object], list[pd.Series]] | None = None
    lacking: Callable[[dict, dict, object], str | None] = lambda needs, test, found: None
    looks: Callable[[dict, object], list[int]] = lambda test, found: [0]
    until: Callable[[object, int], object] = lambda found, look: found


@cache
def kinds() -> dict[str, Kind]:
    """Return the kinds of evidence by the key of their tests."""
    return {kind.key: kind for kind in found_in(__name__, "KIND").values()}


def kind_of(test: dict) -> Kind:
    """Return the kind of evidence that a test asks for."""
    return next(kind for key, kind in kinds().items() if key in test)


def gather(files: Iterable[Path]) -> dict[str, object]:
    """Return {key of a kind: what it read} of the tables and drawings that a run left."""
    paths = [Path(file) for file in files]
    return {key: kind.read(paths) for key, kind in kinds().items()}


def table_among(files: list[Path], name: str) -> pd.DataFrame:
    """Return the table of a name; one without rows if this configuration made none."""
    its = next((file for file in files if file.name in files_of(name)), None)
    return read_table(its.parent, name) if its else empty_table(name)


def unknown_settings(*parts: dict) -> Iterator[str]:
    """Say what is no setting of a run."""
    settings = [field.name for field in fields(Run)]
    for part in parts:
        unknown = set(part) - set(settings)
        if unknown:
            yield f"{min(unknown)!r} is no setting of a run; there are {', '.join(settings)}"


def baseline(test: dict) -> dict:
    """Return the test of what is taken off: the same test, but for what `minus` changes."""
    other = dict(test)
    for key, value in test.get("minus", {}).items():
        other[key] = other.get(key, {}) | value if isinstance(value, dict) else value
    return other


def samples_by_seed(test: dict, by_seed: Callable[[dict], pd.Series]) -> list[pd.Series]:
    """Return the values that a test is about, indexed by random seed: one sample, or two independent ones.

    Where the test has a `minus`, one sample of differences, random seed by random seed, if both are of one network, at
    two phases or by two measures, or are `paired`: if they share their weights at initialisation, by design.

    by_seed: from a test to its values, indexed by random seed.
    """
    values = by_seed(test)
    if "minus" in test:
        others = by_seed(baseline(test))
        if values.notna().sum() and others.notna().sum() and not _is_paired(test):
            return [values, others]
        with np.errstate(invalid="ignore"):
            values = (values - others).reindex(values.index.intersection(others.index))  # inf − inf is no number
    return [values]


def estimate_samples(samples: list[ArrayLike]) -> Estimate:
    """Return the mean of a sample, or the difference of two (Welch). Raises Missing where there is no number."""
    if np.isnan(samples[0]).all():
        raise Missing("no run of it gave a finite number")
    return estimate_difference(*samples) if len(samples) > 1 else estimate_mean(samples[0])


def _is_paired(test: dict) -> bool:
    return test.get("paired", False) or set(test["minus"]) <= {"with", "measure"}


def network_samples(test: dict, key: str, table: pd.DataFrame) -> list[pd.Series]:
    """Return a column of a table of networks at initialisation, by random seed, of the network that a test is of.

    key: of the test, under which that network's settings are. Raises Missing where there is no such network.
    """

    def by_seed(one: dict) -> pd.Series:
        rows = with_settings(table, one[key])
        if not len(rows):
            raise Missing(f"no network with {said(one[key])} was measured")
        return rows.set_index("seed")[one["measure"]]

    return samples_by_seed(test, by_seed)


def network_schema(key: str, table: str) -> dict:
    """Return the schema of a test of networks at initialisation, which has their settings under a key."""
    measure = {"description": f"A column of the table `{table}`.", "type": "string"}
    other = {"type": "object", "additionalProperties": False, "properties": {key: SETTINGS, "measure": measure}}
    said = "What the other network has instead, or another measure of the same; its value is taken off."
    return {
        "properties": {key: SETTINGS, "minus": {"description": said, **other}, "paired": PAIRED, "measure": measure},
        "required": [key, "measure"],
    }


def unknown_measures(test: dict, table: str) -> Iterator[str]:
    """Say which measure of a test of networks at initialisation is no column of numbers of their table."""
    there = [name for name, kind in TABLES[table].columns.items() if kind is float]
    for measure in (test["measure"], test.get("minus", {}).get("measure", test["measure"])):
        if measure not in there:
            yield f"no measure {measure!r} of the table {table}; there are {', '.join(there)}"
            return


def network_kind(key: str, table: str, faults: Callable[[dict], Iterable[str]] = lambda test: ()) -> Kind:
    """Return the kind of tests of networks at initialisation, under a key, by the columns of a table."""

    def samples(test: dict, rows: pd.DataFrame) -> list[pd.Series]:
        return network_samples(test, key, rows)

    return Kind(
        key,
        network_schema(key, table),
        read=lambda files: table_among(files, table),
        measure=lambda test, rows: estimate_samples(samples(test, rows)),
        faults=lambda test: [*unknown_measures(test, table), *faults(test)],
        samples=samples,
    )


def with_settings(rows: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Return the rows that have these settings; None is a setting that is not there."""
    for name, wanted in settings.items():
        if name not in rows:
            return rows[:0]
        rows = rows[rows[name].isna() if wanted is None else (rows[name] == wanted).fillna(False)]
    return rows


def said(settings: dict) -> str:
    """Say settings in words."""
    return ", ".join(f"{name} {value}" for name, value in settings.items() if value is not None)
