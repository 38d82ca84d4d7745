"""Claims and their verdicts: report/claims.yaml says what would settle a claim; the run's tables settle it, or do not.

A claim is a list of tests. A test names a number (a measure of an arm, or of an arm minus another), and the region in
which it must lie for the claim to hold. It *holds* if the number lies in the region and Student's t test tells it from
the region's edge, one-sided, at 0.05; it *fails* if it surely lies outside, at 0.05 after Holm's correction within the
claim, as one failing part is enough against it. A difference that surely lies within the smallest effect of interest,
either way, is *no effect*, and so fails. All hold: supported. Some fail, none holds: refuted. Some hold, some fail:
mixed. Else: not decided here.
"""

import numpy as np
import pandas as pd

from gradflow.analysis.claims.evidence import Missing, kind_of
from gradflow.analysis.schemas import TABLES
from gradflow.analysis.statistics import ALPHA, NOTHING, Estimate, stepped_down

HOLDS, FAILS, NO_EFFECT = "holds", "fails", "no effect"
FAILED = (FAILS, NO_EFFECT)
SUPPORTED, REFUTED, MIXED, UNDECIDED = "supported", "refuted", "mixed", "not decided here"


def settle(claims: list[dict], evidence: dict[str, object]) -> pd.DataFrame:
    """Settle claims by what `gradflow.analysis.claims.evidence.gather` found; return the table `claims`.

    outcome: holds, fails, undecided and why, or what is missing. verdict is that of the whole claim.
    """
    rows = []
    for claim in claims:
        for test in claim["tests"]:
            row = {key: claim[key] for key in ("id", "source", "claim")} | {"test": test["says"], "rule": rule(test)}
            needs = claim.get("needs", {}) | test.get("needs", {})
            estimate, outcome, p = _judge(test, needs, evidence)
            numbers = {name: getattr(estimate, name) for name in ("value", "low", "high", "n", "lost")}
            rows.append(row | numbers | {"p": p, "outcome": outcome})
    table = pd.DataFrame(rows, columns=list(TABLES["claims"].columns))
    for _, parts in table[table["outcome"].isin(FAILED)].groupby("id"):
        table.loc[parts.index, "p"] = stepped_down(parts["p"])
    table.loc[table["p"] >= ALPHA, "outcome"] = "undecided"
    table["verdict"] = table.groupby("id")["outcome"].transform(lambda outcomes: claim_verdict(list(outcomes)))
    return table


def _judge(test: dict, needs: dict, evidence: dict[str, object]) -> tuple[Estimate, str, float]:
    """Measure a test and say its outcome as if it were the only one; p is NaN where there is nothing to correct."""
    kind = kind_of(test)
    try:
        estimate = kind.measure(test, evidence[kind.key])
    except Missing as missing:
        return NOTHING, str(missing), np.nan
    lack = kind.lacking(needs, test, evidence[kind.key])
    if lack:
        return estimate, lack, np.nan
    if estimate.lost:
        seeds = estimate.lost + estimate.n
        return estimate, f"undecided: not finite in {estimate.lost} of {seeds} random seeds", np.nan
    if estimate.n == 1:
        return estimate, "undecided: one random seed", np.nan
    holds, p = compare_to_region(estimate, test)
    if np.isnan(p):
        return estimate, "undecided: no spread to judge by, or infinite", np.nan
    outcome = HOLDS if holds else NO_EFFECT if is_no_effect(estimate, test) else FAILS
    return estimate, outcome, np.nan if estimate.is_exact else p


def claim_verdict(outcomes: list[str]) -> str:
    """Return the verdict on a claim from its tests' outcomes; a claim is all of its parts."""
    if all(outcome == HOLDS for outcome in outcomes):
        return SUPPORTED
    if any(outcome in FAILED for outcome in outcomes):
        return MIXED if HOLDS in outcomes else REFUTED
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


def compare_to_region(estimate: Estimate, test: dict) -> tuple[bool, float]:
    """Return whether the estimate lies in the test's region, and the one-sided p-value of its lying on the other side.

    From inside two edges either could be crossed (two one-sided tests, Schuirmann 1987); from outside, the nearer one.
    """
    value = estimate.middle
    if "above" in test or "below" in test:
        bound = test.get("above", test.get("below"))
        return (value > bound if "above" in test else value < bound), estimate.p(bound) / 2
    low, high = test.get("between") or (-test["beyond"], test["beyond"])
    inside = low < value < high
    p = max(estimate.p(low), estimate.p(high)) if inside else estimate.p(low if value <= low else high)
    return inside == ("between" in test), p / 2


def is_no_effect(estimate: Estimate, test: dict) -> bool:
    """Tell whether a difference surely lies within the smallest effect of interest, either way, at 0.05."""
    margin = abs(test.get("beyond") or test.get("above") or test.get("below") or 0)
    if not margin or not ("minus" in test or "beyond" in test):
        return False
    inside, p = compare_to_region(estimate, {"between": (-margin, margin)})
    return inside and p < ALPHA
