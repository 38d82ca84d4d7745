"""What networks cost: exact numbers of a network at full width, or their ratio to another's."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from gradflow.analysis.claims.evidence import (
    SETTINGS,
    Kind,
    Missing,
    said,
    table_among,
    unknown_settings,
    with_settings,
)
from gradflow.analysis.schemas import COUNTED
from gradflow.analysis.statistics import Estimate

MEASURES = [f"{name}_full" for name in COUNTED]
SCHEMA = {
    "properties": {
        "cost": SETTINGS,
        "over": SETTINGS | {"description": "What the network has instead that the number is divided by."},
        "measure": {"description": "A column of the table `cost`.", "type": "string"},
    },
    "required": ["cost", "measure"],
}


def faults(test: dict) -> Iterator[str]:
    """Say which settings and measures do not exist."""
    yield from unknown_settings(test["cost"], test.get("over", {}))
    if test["measure"] not in MEASURES:
        yield f"no measure {test['measure']!r} of a cost; there are {', '.join(MEASURES)}"


def read(files: list[Path]) -> pd.DataFrame:
    """Return the table of costs, one row a network and optimizer."""
    return table_among(files, "cost")


def measure(test: dict, costs: pd.DataFrame) -> Estimate:
    """Return a counted number, or a ratio of two; it is exact."""
    value = _counted(test["cost"], test["measure"], costs)
    if "over" in test:
        value /= _counted(test["cost"] | test["over"], test["measure"], costs)
    return Estimate.exact(value)


def _counted(wanted: dict, measure: str, costs: pd.DataFrame) -> float:
    rows = with_settings(costs, wanted)
    if not len(rows):
        raise Missing(f"this run has no network with {said(wanted)}")
    return float(rows[measure].iloc[0])


KIND = Kind("cost", SCHEMA, read, measure, faults)
