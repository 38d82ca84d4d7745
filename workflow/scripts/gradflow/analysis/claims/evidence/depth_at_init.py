"""Networks of growing depth at initialisation, as gradflow.propagation.depth_at_init measures them, by random seed."""

from collections.abc import Iterator

from gradflow.analysis.claims.evidence import Kind, measure_network, network_schema, table_among
from gradflow.analysis.schemas import TABLES

NAME = "depth_at_init"
MEASURES = [name for name, kind in TABLES[NAME].columns.items() if kind is float]


def faults(test: dict) -> Iterator[str]:
    """Say which measure does not exist."""
    if test["measure"] not in MEASURES:
        yield f"no measure {test['measure']!r} of depth at initialisation; there are {', '.join(MEASURES)}"


KIND = Kind(
    NAME,
    network_schema(NAME, NAME),
    read=lambda files: table_among(files, NAME),
    measure=lambda test, table: measure_network(test, NAME, table),
    faults=faults,
)
