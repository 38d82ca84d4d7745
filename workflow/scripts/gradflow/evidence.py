"""What a run left to judge claims by, and the number that a test of a claim asks of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from gradflow.intervals import (
    Interval,
    bootstrap_differences,
    bootstrap_medians,
    interval,
    median_difference,
    median_interval,
    p_value,
)
from gradflow.measures import MEASURES
from gradflow.results import read_arrays
from gradflow.seed004 import first_over_last
from gradflow.study_tables import StudyTables, load


@dataclass(frozen=True)
class Evidence:
    """What a run left to judge claims by; empty where it made none.

    studies: {name: tables}. draws: {(depth, width): {"<activation>-<init>": norms [draws, 2·depth]}}. cost: the table
    cost.csv. probes: the table probes.csv.
    """

    studies: dict[str, StudyTables] = field(default_factory=dict)
    draws: dict[tuple[int, int], dict[str, np.ndarray]] = field(default_factory=dict)
    cost: pd.DataFrame = field(default_factory=pd.DataFrame)
    probes: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class Measured:
    """A number with its interval, and the two-sided p-value of any bound on it; an exact number needs none.

    middle: the value that says on which side of a bound the number lies; infinite ones have no mean, but a median.
    """

    estimate: Interval
    p: Callable[[float], float]
    middle: float
    exact: bool = False


class Missing(Exception):
    """The run at hand has no data for a test; the message says what is lacking."""


def gather(
    tables: Path, studies: list[str], *, draws: list[Path] = (), cost: Path | None = None, probes: Path | None = None
) -> Evidence:
    """Read what a run left: the studies from the folder of tables, and the files that it made; None is an empty table.

    draws: the files of seed 004's random networks, named depth<depth>-width<width>.npz.
    """
    small = {name: pd.read_csv(path) if path else pd.DataFrame() for name, path in (("cost", cost), ("probes", probes))}
    shapes = {path: re.fullmatch(r"depth(\d+)-width(\d+)", Path(path).stem) for path in draws}
    drawn = {(int(shape[1]), int(shape[2])): read_arrays(path) for path, shape in shapes.items()}
    return Evidence({name: load(tables, name) for name in studies}, drawn, **small)


def measure(test: dict, evidence: Evidence) -> Measured:
    """Return the number that a test is about. Raises Missing where the run at hand has no data for it."""
    read = _from_draws if "draws" in test else _from_cost if "cost" in test else _from_seeds
    return read(test, evidence)


def _from_seeds(test: dict, evidence: Evidence) -> Measured:
    values = _by_seed(test, evidence)
    if "minus" in test:
        baseline = _by_seed(_baseline(test), evidence)
        with np.errstate(invalid="ignore"):
            values = (values - baseline).reindex(values.index.intersection(baseline.index))  # inf − inf is no number
    if values.notna().sum() == 0:
        raise Missing("no run of it gave a finite number")
    finite = np.isfinite(values.dropna()).all()
    middle = values.mean() if finite else values.median()
    return Measured(interval(values), lambda bound: p_value(values, bound), float(middle))


def _baseline(test: dict) -> dict:
    """The test of what is taken off: the same test, but for what `minus` changes."""
    other = dict(test)
    for key, value in test.get("minus", {}).items():
        other[key] = other.get(key, {}) | value if isinstance(value, dict) else value
    return other


def _by_seed(test: dict, evidence: Evidence) -> pd.Series:
    """A measure of one arm, or of one probed network, indexed by random seed."""
    if "probe" in test:
        return _probed(test, evidence).set_index("seed")[test["measure"]]
    study = _study(test, evidence)
    runs = _arm(study, test["arm"])
    values = MEASURES[test["measure"]](study, **test.get("with", {}))
    return study.by_seed(values, runs["label"].iloc[0])


def _probed(test: dict, evidence: Evidence) -> pd.DataFrame:
    """The rows of the probed network that a test names, one a random seed."""
    rows = evidence.probes
    for name, wanted in test["probe"].items():
        rows = rows[_same(rows[name], wanted)] if len(rows) else rows
    if not len(rows):
        raise Missing(f"no network with {_said(test['probe'])} was probed")
    return rows


def _study(test: dict, evidence: Evidence) -> StudyTables:
    if test["study"] not in evidence.studies:
        raise Missing(f"the study {test['study']} was not run")
    return evidence.studies[test["study"]]


def _arm(study: StudyTables, settings: dict) -> pd.DataFrame:
    """The runs of the one arm that has these settings."""
    runs = study.runs
    for name, wanted in settings.items():
        runs = runs[_same(runs[name], wanted)]
    labels = sorted(set(runs["label"]))
    if not labels:
        raise Missing(f"{study.name} has no arm with {_said(settings)}")
    if len(labels) > 1:
        raise Missing(f"{study.name} has several arms with {_said(settings)}: {'; '.join(labels)}")
    return runs


def _said(settings: dict) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items() if value is not None)


def _same(column: pd.Series, wanted) -> pd.Series:
    if wanted is None:
        return column.isna()
    if isinstance(wanted, (int, float)) and not isinstance(wanted, bool):
        return pd.to_numeric(column, errors="coerce") == wanted
    return column.astype(str) == str(wanted)


def lacking(needs: dict, test: dict, evidence: Evidence) -> str | None:
    """Say which setting of the runs is not one under which the claim can be decided; None if all are.

    Both arms of a comparison must have it. Networks that are drawn, probed or counted have no such settings.
    """
    if not needs or "study" not in test:
        return None
    for one in (test, _baseline(test)):
        runs = _arm(_study(one, evidence), one["arm"])
        for name, wanted in needs.items():
            had, said = runs[name].iloc[0], name.replace("_", " ")
            if "at_least" in wanted and had < wanted["at_least"]:
                return f"needs {said} {wanted['at_least']:g} or more, these runs have {had:g}"
            if "one_of" in wanted and had not in wanted["one_of"]:
                return f"needs {said} {' or '.join(map(str, wanted['one_of']))}, these runs have {had}"
    return None


def _from_draws(test: dict, evidence: Evidence) -> Measured:
    """log10 of the first weight's gradient norm over the last's, the median over random networks."""
    values = _draws(test["draws"], evidence)
    if "minus" not in test:
        medians = bootstrap_medians(values)
        return Measured(median_interval(values), lambda bound: _share_beyond(medians, bound), float(np.median(values)))
    others = _draws(test["draws"] | test["minus"]["draws"], evidence)
    differences = bootstrap_differences(values, others)
    difference = median_difference(values, others)
    return Measured(difference, lambda bound: _share_beyond(differences, bound), difference.mean)


def _draws(wanted: dict, evidence: Evidence) -> np.ndarray:
    arrays = evidence.draws.get((wanted["depth"], wanted["width"]), {})
    key = f"{wanted['activation']}-{wanted['init']}"
    if key not in arrays:
        raise Missing(f"no networks of {wanted['depth']} layers, width {wanted['width']}, {key} were drawn")
    logs = first_over_last(arrays[key])
    if not len(logs):
        raise Missing(f"every network of {wanted['depth']} layers, {key}, is dead")
    return logs


def _share_beyond(medians: np.ndarray, bound: float) -> float:
    """The bootstrap's two-sided p-value; it cannot be told from less than one resample."""
    tail = min(np.mean(medians <= bound), np.mean(medians >= bound))
    return float(min(1.0, 2 * max(tail, 1 / len(medians))))


def _from_cost(test: dict, evidence: Evidence) -> Measured:
    """An exact number of a network at full width, or its ratio to another's."""
    value = _cost(test["cost"], test["measure"], evidence)
    if "over" in test:
        value /= _cost(test["cost"] | test["over"], test["measure"], evidence)
    return Measured(Interval(value, value, value, 0), lambda bound: 0.0, value, exact=True)


def _cost(wanted: dict, measure: str, evidence: Evidence) -> float:
    rows = evidence.cost
    for name, setting in wanted.items():
        rows = rows[_same(rows[name], setting)] if len(rows) else rows
    if not len(rows):
        raise Missing(f"this run has no network with {_said(wanted)}")
    return float(rows[measure].iloc[0])
