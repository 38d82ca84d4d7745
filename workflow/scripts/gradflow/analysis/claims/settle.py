"""Claims and their verdicts: report/claims.yaml says what would settle a claim; the run's tables settle it, or do not.

A claim is a list of tests. A test names a number (a measure of an arm, or of an arm minus another), and the region in
which it must lie for the claim to hold. It *holds* if the number lies in the region and Student's t test tells it from
the region's edge, one-sided, at 0.05; it *fails* if it surely lies outside, at 0.05 after Holm's correction within the
claim, as one failing part is enough against it. A difference that surely lies within the smallest effect of interest,
either way, is *no effect*, and so fails. All hold: supported. Some fail, none holds: refuted. Some hold, some fail:
mixed. Else: not decided here.

Where a study takes several looks at growing numbers of random seeds, a test is settled at the first look that settles
it, at 0.02 each in place of 0.05, and only a test that is still open makes its arms be trained with more of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gradflow.analysis.claims.evidence import Missing, kind_of
from gradflow.analysis.schemas import TABLES
from gradflow.analysis.statistics import ALPHA, ALPHA_OF_A_LOOK, NOTHING, Estimate, stepped_down

HOLDS, FAILS, NO_EFFECT = "holds", "fails", "no effect"
FAILED = (FAILS, NO_EFFECT)
SUPPORTED, REFUTED, MIXED, UNDECIDED = "supported", "refuted", "mixed", "not decided here"
OPEN = "undecided"  # and why, where there is a reason: more random seeds may settle it


@dataclass(frozen=True)
class Settled:
    """What came of a test: its estimate, the outcome, and the p-value of what that says, NaN where nothing is told."""

    estimate: Estimate
    outcome: str
    p: float = np.nan

    @property
    def is_settled(self) -> bool:
        """Whether it holds or fails."""
        return self.outcome in (HOLDS, *FAILED)

    @property
    def is_open(self) -> bool:
        """Whether more random seeds may settle it."""
        return self.outcome.startswith(OPEN)


def settle(claims: list[dict], evidence: dict[str, object]) -> pd.DataFrame:
    """Settle claims by what `gradflow.analysis.claims.evidence.gather` found; return the table `claims`.

    outcome: holds, fails, undecided and why, or what is missing. verdict is that of the whole claim.
    """
    rows = []
    for claim in claims:
        settled = settle_tests(claim, evidence)
        verdict = claim_verdict([one.outcome for one in settled])
        for test, one in zip(claim["tests"], settled):
            row = {key: claim[key] for key in ("id", "source", "claim")} | {"test": test["says"], "rule": rule(test)}
            numbers = {name: getattr(one.estimate, name) for name in ("value", "low", "high", "n", "lost")}
            rows.append(row | numbers | {"p": one.p, "outcome": one.outcome, "verdict": verdict})
    return pd.DataFrame(rows, columns=list(TABLES["claims"].columns))


def settle_tests(claim: dict, evidence: dict[str, object]) -> list[Settled]:
    """Return what came of each test of a claim."""
    tests, needs = claim["tests"], claim.get("needs", {})
    planned = [kind_of(test).looks(test, evidence[kind_of(test).key]) for test in tests]
    alphas = [alpha_of(len(looks)) for looks in planned]

    def judge(place: int, look: int) -> Settled:
        return _judge(tests[place], needs, evidence, look, alphas[place])

    return look_by_look(sorted({look for looks in planned for look in looks}), alphas, judge)


def alpha_of(looks: int) -> float:
    """Return at which level a test is settled at each of so many looks."""
    return ALPHA if looks == 1 else ALPHA_OF_A_LOOK


def look_by_look(looks: list[int], alphas: list[float], judge: Callable[[int, int], Settled]) -> list[Settled]:
    """Return what came of the tests of a claim, one for each alpha; what a look has settled stays so.

    judge: from a test's place and a look to what comes of it alone.
    """
    settled: list[Settled | None] = [None] * len(alphas)
    for look in looks:
        found = [judge(place, look) for place in range(len(alphas))]
        for place, one in enumerate(_allowing_for_each_other(found, alphas)):
            if settled[place] is None or not settled[place].is_settled:
                settled[place] = one
    return settled


def _allowing_for_each_other(found: list[Settled], alphas: list[float]) -> list[Settled]:
    """Correct those that fail by Holm's method, and leave open what is then not sure."""
    failing = [one.p if one.outcome in FAILED else np.nan for one in found]
    corrected = np.where(np.isnan(failing), [one.p for one in found], stepped_down(failing))
    return [
        replace(one, p=float(p), outcome=OPEN if p >= alpha else one.outcome)
        for one, p, alpha in zip(found, corrected, alphas)
    ]


def _judge(test: dict, needs: dict, evidence: dict[str, object], look: int, alpha: float) -> Settled:
    """Measure a test at a look and say its outcome as if it were the only one."""
    kind = kind_of(test)
    found = kind.until(evidence[kind.key], look)
    try:
        estimate = kind.measure(test, found)
    except Missing as missing:
        return Settled(NOTHING, str(missing))
    lack = kind.lacking(needs | test.get("needs", {}), test, found)
    return Settled(estimate, lack) if lack else judge_estimate(estimate, test, alpha)


def judge_estimate(estimate: Estimate, test: dict, alpha: float) -> Settled:
    """Say a test's outcome by its estimate, as if it were the only one."""
    if estimate.lost:
        seeds = estimate.lost + estimate.n
        return Settled(estimate, f"{OPEN}: not finite in {estimate.lost} of {seeds} random seeds")
    if estimate.n == 1:
        return Settled(estimate, f"{OPEN}: one random seed")
    holds, p = compare_to_region(estimate, test)
    if np.isnan(p):
        return Settled(estimate, f"{OPEN}: no spread to judge by, or infinite")
    outcome = HOLDS if holds else NO_EFFECT if is_no_effect(estimate, test, alpha) else FAILS
    return Settled(estimate, outcome, np.nan if estimate.is_exact else p)


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


def is_no_effect(estimate: Estimate, test: dict, alpha: float = ALPHA) -> bool:
    """Tell whether a difference surely lies within the smallest effect of interest, either way."""
    margin = abs(test.get("beyond") or test.get("above") or test.get("below") or 0)
    if not margin or not ("minus" in test or "beyond" in test):
        return False
    inside, p = compare_to_region(estimate, {"between": (-margin, margin)})
    return inside and p < alpha
