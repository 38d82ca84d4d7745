"""Networks of growing depth at initialisation, as gradflow.propagation.depth_at_init measures them, by random seed."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from gradflow.analysis.claims.evidence import (
    SETTINGS,
    Kind,
    Missing,
    measure_by_seed,
    said,
    table_among,
    with_settings,
)
from gradflow.analysis.schemas import TABLES
from gradflow.analysis.statistics import Estimate

MEASURES = [name for name, kind in TABLES["depth_at_init"].columns.items() if kind is float]
SCHEMA = {
    "properties": {
        "depth_at_init": SETTINGS,
        "minus": {
            "description": "What the other network has instead; its value is taken off, random seed by random seed.",
            "type": "object",
            "additionalProperties": False,
            "properties": {"depth_at_init": SETTINGS},
        },
        "measure": {"description": "A column of the table `depth_at_init`.", "type": "string"},
    },
    "required": ["depth_at_init", "measure"],
}


def faults(test: dict) -> Iterator[str]:
    """Say which measure does not exist."""
    if test["measure"] not in MEASURES:
        yield f"no measure {test['measure']!r} of depth at initialisation; there are {', '.join(MEASURES)}"


def read(files: list[Path]) -> pd.DataFrame:
    """Return the table, one row a network and random seed."""
    return table_among(files, "depth_at_init")


def measure(test: dict, table: pd.DataFrame) -> Estimate:
    """Return what was measured of a network over its random seeds."""

    def by_seed(one: dict) -> pd.Series:
        rows = with_settings(table, one["depth_at_init"])
        if not len(rows):
            raise Missing(f"no network with {said(one['depth_at_init'])} was measured")
        return rows.set_index("seed")[one["measure"]]

    return measure_by_seed(test, by_seed)


KIND = Kind("depth_at_init", SCHEMA, read, measure, faults)
