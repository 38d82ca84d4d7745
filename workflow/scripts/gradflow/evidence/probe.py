"""Networks of growing depth at initialisation, as gradflow.probes probes them, by random seed."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from gradflow.evidence import SETTINGS, Kind, Measured, Missing, measure_by_seed, read_table, said, with_settings

MEASURES = ("decades", "per_layer", "correlation", "branch_exponent", "share_5_to_17")
SCHEMA = {
    "properties": {
        "probe": SETTINGS,
        "minus": {
            "description": "What the other network has instead; its value is taken off, random seed by random seed.",
            "type": "object",
            "additionalProperties": False,
            "properties": {"probe": SETTINGS},
        },
        "measure": {"description": "A column of probes.csv.", "type": "string"},
    },
    "required": ["probe", "measure"],
}


def faults(test: dict) -> Iterator[str]:
    """Say which measure does not exist."""
    if test["measure"] not in MEASURES:
        yield f"no measure {test['measure']!r} of a probe; there are {', '.join(MEASURES)}"


def read(files: list[Path]) -> pd.DataFrame:
    """Return the table of probes, one row a network and random seed."""
    return read_table(files, "probes.csv")


def measure(test: dict, probes: pd.DataFrame) -> Measured:
    """Return what was probed of a network over its random seeds."""

    def by_seed(one: dict) -> pd.Series:
        rows = with_settings(probes, one["probe"])
        if not len(rows):
            raise Missing(f"no network with {said(one['probe'])} was probed")
        return rows.set_index("seed")[one["measure"]]

    return measure_by_seed(test, by_seed)


KIND = Kind("probe", SCHEMA, read, measure, faults)
