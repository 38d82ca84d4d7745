"""Claims and their verdicts: report/claims.yaml says what would settle a claim; the run's tables settle it, or do not.

A claim is a list of tests. A test names a number (a measure of an arm, or of an arm minus another by random seed), and
the region in which it must lie for the claim to hold. It *holds* if the number lies in the region and Student's t test
tells it from the region's edge, and *fails* if it surely lies outside; p-values are adjusted for all tests of the table
together. All hold: supported. Some fail, none holds: refuted. Some hold, some fail: mixed. Else: not decided here.
"""

import inspect
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import yaml

from gradflow.errors import GradflowError
from gradflow.evidence import Evidence, Measured, Missing, lacking, measure
from gradflow.intervals import ALPHA, adjusted
from gradflow.measures import MEASURES, PROBED
from gradflow.metrics import MOMENTS
from gradflow.models.size import COUNTED
from gradflow.runs import Run

SCHEMA = Path(__file__).parents[2] / "schemas" / "claims.schema.yaml"
SUPPORTED, REFUTED, MIXED, UNDECIDED = "supported", "refuted", "mixed", "not decided here"


def load(path: Path) -> list[dict]:
    """Read claims.yaml. Raises GradflowError for a key, a measure or a region that is not known."""
    try:
        claims = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        jsonschema.validate(claims, yaml.safe_load(SCHEMA.read_text(encoding="utf-8")))
    except jsonschema.ValidationError as error:
        where = ".".join(str(part) for part in error.absolute_path)
        raise GradflowError(f"{path}: {where}: {error.message.splitlines()[0]}; see {SCHEMA.name}.") from None
    except (OSError, yaml.YAMLError) as error:
        raise GradflowError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    twice = [claim["id"] for claim in claims if sum(claim["id"] == other["id"] for other in claims) > 1]
    faults = [f"{name} stands there twice" for name in twice[:1]]
    faults += [f"{claim['id']}: {fault}" for claim in claims for test in claim["tests"] for fault in _faults(test)]
    if faults:
        raise GradflowError(f"{path}: {faults[0]}.")
    return claims


def _faults(test: dict) -> Iterator[str]:
    """Say what a schema cannot: settings, measures and arguments that do not exist."""
    settings = [field.name for field in fields(Run)]
    for part in (test, test.get("minus", {})):
        for kind in ("arm", "cost", "over"):
            unknown = set(part.get(kind, {})) - set(settings)
            if unknown:
                yield f"{min(unknown)!r} is no setting of a run; there are {', '.join(settings)}"
    if "study" in test:
        if test["measure"] not in MEASURES:
            yield f"no measure {test['measure']!r}; there are {', '.join(MEASURES)}"
            return
        takes = [name for name in inspect.signature(MEASURES[test["measure"]]).parameters if name != "study"]
        given = test.get("with", {}) | test.get("minus", {}).get("with", {})
        unknown = set(given) - set(takes)
        if unknown:
            yield f"{test['measure']} takes no {min(unknown)!r}; it takes {', '.join(takes) or 'nothing'}"
        if given.get("at", "init") not in MOMENTS:
            yield f"no moment {given['at']!r}; there are {', '.join(MOMENTS)}"
    known = {"cost": [f"{name}_full" for name in COUNTED], "probe": PROBED}
    for kind, measures in known.items():
        if kind in test and test["measure"] not in measures:
            yield f"no measure {test['measure']!r} of a {kind}; there are {', '.join(measures)}"


def settle(claims: list[dict], evidence: Evidence) -> pd.DataFrame:
    """Return one row a test: id, source, claim, test, rule, value, low, high, seeds, p (adjusted), outcome, verdict.

    outcome: holds, fails, undecided and why, or what is missing. verdict is that of the whole claim.
    """
    rows = []
    for claim in claims:
        for test in claim["tests"]:
            row = {key: claim[key] for key in ("id", "source", "claim")} | {"test": test["says"], "rule": rule(test)}
            needs = claim.get("needs", {}) | test.get("needs", {})
            rows.append(row | _judge(test, needs, evidence))
    table = pd.DataFrame(rows)
    table["p"] = adjusted(table["p"])
    table.loc[table["p"] >= ALPHA, "outcome"] = "undecided"
    table["verdict"] = table.groupby("id")["outcome"].transform(lambda outcomes: verdict(list(outcomes)))
    return table


def _judge(test: dict, needs: dict, evidence: Evidence) -> dict:
    """Measure a test and say its outcome as if it were the only one; p is NaN where there is nothing to correct."""
    try:
        measured = measure(test, evidence)
    except Missing as missing:
        nothing = dict.fromkeys(("value", "low", "high", "p"), np.nan)
        return nothing | {"seeds": 0, "lost": 0, "outcome": str(missing)}
    estimate = measured.estimate
    numbers = {"value": estimate.mean, "low": estimate.low, "high": estimate.high}
    numbers |= {"seeds": estimate.count, "lost": estimate.lost, "p": np.nan}
    lack = lacking(needs, test, evidence)
    if lack:
        return numbers | {"outcome": lack}
    if estimate.lost:
        seeds = estimate.lost + estimate.count
        return numbers | {"outcome": f"undecided: not finite in {estimate.lost} of {seeds} seeds"}
    if estimate.count == 1:
        return numbers | {"outcome": "undecided: one seed"}
    holds, p = compare(measured, test)
    if measured.exact:
        return numbers | {"outcome": "holds" if holds else "fails"}
    if np.isnan(p):
        return numbers | {"outcome": "undecided: no spread to judge by, or infinite"}
    return numbers | {"outcome": "holds" if holds else "fails", "p": p}


def verdict(outcomes: list[str]) -> str:
    """Return the verdict on a claim from its tests' outcomes; a claim is all of its parts."""
    if all(outcome == "holds" for outcome in outcomes):
        return SUPPORTED
    if "fails" in outcomes:
        return MIXED if "holds" in outcomes else REFUTED
    return UNDECIDED


def rule(test: dict) -> str:
    """Say a test's region in words."""
    if "between" in test:
        said = f"between {test['between'][0]:g} and {test['between'][1]:g}"
    elif "beyond" in test:
        said = f"more than {test['beyond']:g} from 0"
    else:
        side = "above" if "above" in test else "below"
        said = f"{side} {test[side]:g}"
    return said.replace("-", "−")


def compare(measured: Measured, test: dict) -> tuple[bool, float]:
    """Return whether the estimate lies in the test's region, and the p-value of its lying on the other side."""
    value = measured.middle
    if "above" in test or "below" in test:
        bound = test.get("above", test.get("below"))
        return (value > bound if "above" in test else value < bound), measured.p(bound)
    low, high = test.get("between") or (-test["beyond"], test["beyond"])
    inside = low < value < high
    # from inside, either edge could be crossed; from outside, only the nearer one
    p = max(measured.p(low), measured.p(high)) if inside else measured.p(low if value <= low else high)
    return inside == ("between" in test), p
