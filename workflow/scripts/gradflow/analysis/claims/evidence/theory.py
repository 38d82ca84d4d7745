"""The initial survey: every architecture under every initialisation, measured, predicted and split into causes."""

from collections.abc import Iterator

from gradflow.analysis.claims.evidence import network_kind

NETWORK = ("architecture", "init", "image_size")


def faults(test: dict) -> Iterator[str]:
    """Say what is no part of a surveyed network."""
    for part in (test["theory"], test.get("minus", {}).get("theory", {})):
        unknown = set(part) - set(NETWORK)
        if unknown:
            yield f"{min(unknown)!r} does not tell surveyed networks apart; there are {', '.join(NETWORK)}"


KIND = network_kind("theory", "initial_survey", faults)
