"""Claims and their verdicts: report/claims.yaml says what would settle a claim; the run's tables settle it, or do not.

A claim is a list of tests. A test names a number (a measure of an arm, or of an arm minus another by random seed), and
the region in which it must lie for the claim to hold. It *holds* if the number lies in the region and Student's t test
tells it from the region's edge, and *fails* if it surely lies outside; p-values are adjusted for all tests of the table
together. All hold: supported. Some fail, none holds: refuted. Some hold, some fail: mixed. Else: not decided here.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import yaml

from gradflow.analysis.claims.evidence import Measured, Missing, kind_of, kinds
from gradflow.analysis.statistics import ALPHA, adjusted
from gradflow.errors import GradflowError

SCHEMA = Path(__file__).with_name("claims.schema.yaml")
SUPPORTED, REFUTED, MIXED, UNDECIDED = "supported", "refuted", "mixed", "not decided here"


def read_claims(path: Path) -> list[dict]:
    """Read claims.yaml. Raises GradflowError for a key, a measure or a region that is not known."""
    try:
        claims = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        jsonschema.validate(claims, claims_schema())
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


@cache
def claims_schema() -> dict:
    """Return the JSON schema (draft 2020-12) of claims: a test has what all have, and what its kind of evidence has."""
    loaded = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    test = loaded["$defs"]["test"]
    for key, kind in kinds().items():
        own = {"properties": test["properties"] | kind.schema["properties"], "additionalProperties": False}
        test["allOf"].append({"if": {"required": [key]}, "then": kind.schema | own})
    return loaded


def _faults(test: dict) -> Iterator[str]:
    """Say what a schema cannot."""
    if kinds().keys() & test.keys():
        yield from kind_of(test).faults(test)
    else:
        yield f"the test {test['says']!r} asks for no evidence; give it one of {', '.join(kinds())}"


def settle(claims: list[dict], evidence: dict[str, object]) -> pd.DataFrame:
    """Settle claims by what `gradflow.analysis.claims.evidence.gather` found.

    Returns one row a test: id, source, claim, test, rule, value, low, high, seeds, p (adjusted), outcome, verdict.

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
    table["verdict"] = table.groupby("id")["outcome"].transform(lambda outcomes: claim_verdict(list(outcomes)))
    return table


def _judge(test: dict, needs: dict, evidence: dict[str, object]) -> dict:
    """Measure a test and say its outcome as if it were the only one; p is NaN where there is nothing to correct."""
    kind = kind_of(test)
    try:
        measured = kind.measure(test, evidence[kind.key])
    except Missing as missing:
        nothing = dict.fromkeys(("value", "low", "high", "p"), np.nan)
        return nothing | {"seeds": 0, "lost": 0, "outcome": str(missing)}
    estimate = measured.estimate
    numbers = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    numbers |= {"seeds": estimate.n, "lost": estimate.lost, "p": np.nan}
    lack = kind.lacking(needs, test, evidence[kind.key])
    if lack:
        return numbers | {"outcome": lack}
    if estimate.lost:
        seeds = estimate.lost + estimate.n
        return numbers | {"outcome": f"undecided: not finite in {estimate.lost} of {seeds} seeds"}
    if estimate.n == 1:
        return numbers | {"outcome": "undecided: one seed"}
    holds, p = compare_to_region(measured, test)
    if measured.exact:
        return numbers | {"outcome": "holds" if holds else "fails"}
    if np.isnan(p):
        return numbers | {"outcome": "undecided: no spread to judge by, or infinite"}
    return numbers | {"outcome": "holds" if holds else "fails", "p": p}


def claim_verdict(outcomes: list[str]) -> str:
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


def compare_to_region(measured: Measured, test: dict) -> tuple[bool, float]:
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
