"""The initial survey: every architecture under every initialisation, measured, predicted and split into causes."""

from collections.abc import Iterator

from gradflow.analysis.claims.evidence import Kind, measure_network, network_schema, table_among, unknown_measures

TABLE = "initial_survey"
NETWORK = ("architecture", "init", "image_size")


def faults(test: dict) -> Iterator[str]:
    """Say which measure does not exist, and what is no part of a surveyed network."""
    yield from unknown_measures(test, TABLE)
    for part in (test["theory"], test.get("minus", {}).get("theory", {})):
        unknown = set(part) - set(NETWORK)
        if unknown:
            yield f"{min(unknown)!r} does not tell surveyed networks apart; there are {', '.join(NETWORK)}"


KIND = Kind(
    "theory",
    network_schema("theory", TABLE),
    read=lambda files: table_among(files, TABLE),
    measure=lambda test, table: measure_network(test, "theory", table),
    faults=faults,
)
