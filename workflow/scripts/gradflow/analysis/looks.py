"""Looks at growing numbers of random seeds: which arms a claim is still open by, and so get more of them.

A group sequential design (Pocock 1977): at most three looks, at 0.02 each (`gradflow.analysis.statistics`).
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

from gradflow.analysis.aggregation import write_arms, write_tables
from gradflow.analysis.claims.evidence import gather
from gradflow.analysis.claims.evidence.trained import KIND, arms_of
from gradflow.analysis.claims.settle import UNDECIDED, claim_verdict, settle_tests


def gather_at_look(
    runs: Iterable[Path], arms: list[list], initial: Iterable[Path], untrained: Iterable[Path], folder: Path
) -> dict[str, object]:
    """Return the evidence of the runs that there are so far.

    runs: their results. arms: rows of the table `arms` of these runs. initial: tables of the arms' first backward
    passes. untrained: tables and drawings of networks that were not trained. folder: an empty one, to work in.
    """
    folder = Path(folder)
    write_tables(runs, folder)
    write_arms(folder, arms)
    for table in initial:
        shutil.copy(table, folder)
    return gather([*folder.glob("*.parquet"), *untrained])


def open_arms(claims: list[dict], evidence: dict[str, object]) -> list[tuple[str, str]]:
    """Return the arms, as (study, label), of the tests that are open in claims without a verdict."""
    found = set()
    for claim in claims:
        settled = settle_tests(claim, evidence)
        if claim_verdict([one.outcome for one in settled]) == UNDECIDED:
            still = [test for test, one in zip(claim["tests"], settled) if one.is_open and KIND.key in test]
            found |= arms_of(still, evidence[KIND.key])
    return sorted(found)
