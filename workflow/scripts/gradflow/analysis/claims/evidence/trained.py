"""Trained networks: a measure of an arm of a study, or of one arm minus another, by random seed."""

import inspect
import json
from collections.abc import Iterator
from numbers import Real
from pathlib import Path

import pandas as pd

from gradflow.analysis.claims.evidence import (
    PAIRED,
    SETTINGS,
    Kind,
    Missing,
    baseline,
    estimate_samples,
    said,
    samples_by_seed,
    table_among,
    unknown_settings,
    with_settings,
)
from gradflow.analysis.claims.measures import MEASURES
from gradflow.analysis.schemas import OUTCOMES
from gradflow.analysis.statistics import Estimate
from gradflow.analysis.study import StudyTables, read_study
from gradflow.labels import PHASES

ARGUMENTS = {"description": "The arguments of the measure.", "type": "object"}
SCHEMA = {
    "properties": {
        "study": {"description": "A study of the config.", "type": "string"},
        "arm": SETTINGS,
        "minus": {
            "description": "What the other arm has instead; its value is taken off.",
            "type": "object",
            "additionalProperties": False,
            "properties": {"arm": SETTINGS, "with": ARGUMENTS},
        },
        "paired": PAIRED,
        "measure": {"description": "A measure of gradflow.analysis.claims.measures.", "type": "string"},
        "with": ARGUMENTS,
    },
    "required": ["study", "arm", "measure"],
}


def faults(test: dict) -> Iterator[str]:
    """Say which settings, measures and arguments do not exist."""
    other = test.get("minus", {})
    yield from unknown_settings(test["arm"], other.get("arm", {}))
    if test["measure"] not in MEASURES:
        yield f"no measure {test['measure']!r}; there are {', '.join(MEASURES)}"
        return
    takes = [name for name in inspect.signature(MEASURES[test["measure"]]).parameters if name != "study"]
    given = test.get("with", {}) | other.get("with", {})
    unknown = set(given) - set(takes)
    if unknown:
        yield f"{test['measure']} takes no {min(unknown)!r}; it takes {', '.join(takes) or 'nothing'}"
    if given.get("at", "init") not in PHASES:
        yield f"no phase {given['at']!r}; there are {', '.join(PHASES)}"


def read(files: list[Path]) -> dict[str, StudyTables]:
    """Return {name: tables} of the studies that were run."""
    folder = next((file.parent for file in files if file.name == "arms.parquet"), None)
    return {name: read_study(folder, name) for name in table_among(files, "arms")["study"].unique()}


def measure(test: dict, studies: dict[str, StudyTables]) -> Estimate:
    """Return a measure of an arm over its random seeds."""
    return estimate_samples(samples(test, studies))


def samples(test: dict, studies: dict[str, StudyTables]) -> list[pd.Series]:
    """Return a measure of an arm, by random seed."""

    def by_seed(one: dict) -> pd.Series:
        study = _study(one, studies)
        label = _arm(study, one["arm"])["label"].iloc[0]
        return study.by_seed(MEASURES[one["measure"]](study, **one.get("with", {})), label)

    return samples_by_seed(test, by_seed)


def lacking(needs: dict, test: dict, studies: dict[str, StudyTables]) -> str | None:
    """Say which setting of the runs is not one under which the claim can be decided; None if all are.

    Both arms of a comparison must have it. An outcome, such as the training accuracy, counts by its mean over the runs.
    """
    for one in (test, baseline(test)) if needs else ():
        runs = _arm(_study(one, studies), one["arm"])
        for name, wanted in needs.items():
            had, words = runs[name].mean() if name in OUTCOMES else runs[name].iloc[0], name.replace("_", " ")
            had = None if pd.isna(had) else had
            has = "none" if had is None else f"{had:g}" if isinstance(had, Real) else had
            if "at_least" in wanted and (had is None or had < wanted["at_least"]):
                return f"needs {words} {wanted['at_least']:g} or more, these runs have {has}"
            if "one_of" in wanted and had not in wanted["one_of"]:
                return f"needs {words} {' or '.join(map(str, wanted['one_of']))}, these runs have {has}"
    return None


def looks(test: dict, studies: dict[str, StudyTables]) -> list[int]:
    """Return the looks that the study of a test plans; some may not have been needed."""
    if test["study"] not in studies:
        return [0]
    return json.loads(studies[test["study"]].arms["looks"].iloc[0])


def until(studies: dict[str, StudyTables], look: int) -> dict[str, StudyTables]:
    """Return the studies as they were at a look."""
    return {name: study.until(look) for name, study in studies.items()}


def arms_of(tests: list[dict], studies: dict[str, StudyTables]) -> set[tuple[str, str]]:
    """Return the arms that tests are about, as (study, label)."""
    found = [(one["study"], one["arm"]) for test in tests for one in (test, baseline(test))]
    return {(study, _arm(studies[study], arm)["label"].iloc[0]) for study, arm in found}


def _study(test: dict, studies: dict[str, StudyTables]) -> StudyTables:
    if test["study"] not in studies:
        raise Missing(f"the study {test['study']} was not run")
    return studies[test["study"]]


def _arm(study: StudyTables, settings: dict) -> pd.DataFrame:
    """The runs of the one arm that has these settings."""
    runs = with_settings(study.runs, settings)
    labels = sorted(set(runs["label"]))
    if not labels:
        raise Missing(f"{study.name} has no arm with {said(settings)}")
    if len(labels) > 1:
        raise Missing(f"{study.name} has several arms with {said(settings)}: {'; '.join(labels)}")
    return runs


KIND = Kind("study", SCHEMA, read, measure, faults, samples, lacking, looks, until)
