"""Architectures by name, and which options a run of one has."""

from collections.abc import Mapping

from gradflow.errors import GradflowError
from gradflow.models.catalogue import CATALOGUE, Architecture


def find_architecture(architecture: str | Architecture) -> Architecture:
    """Return an architecture by its name in the catalogue, or as it is. Raises GradflowError for an unknown name."""
    if isinstance(architecture, Architecture):
        return architecture
    if architecture not in CATALOGUE:
        raise GradflowError(f"architecture: {architecture!r} is not known; choose one of {', '.join(CATALOGUE)}.")
    return CATALOGUE[architecture]


def resolve_options(name: str, architecture: Architecture, options: Mapping) -> dict:
    """Return all options of an architecture: those given, and the defaults of the others.

    Raises GradflowError for an option that it lacks.
    """
    takes = architecture.options
    for option in options:
        if option not in takes:
            raise GradflowError(f"{option}: {name} has no such option; it takes {', '.join(takes) or 'none'}.")
    # 1 and 1.0 are one value of an option whose default is 1.0
    given = {
        name: float(value) if _whole(value) and isinstance(takes[name], float) else value
        for name, value in options.items()
    }
    return takes | given


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def check_pretrained(name: str, architecture: Architecture, options: dict) -> None:
    """Raise GradflowError unless there are trained weights for an architecture with these options."""
    if not architecture.pretrained:
        having = ", ".join(other for other, entry in CATALOGUE.items() if entry.pretrained)
        raise GradflowError(f"init: there are pretrained weights for {having} alone, not for {name}.")
    for option, default in architecture.options.items():
        if option != "dropout" and options[option] != default:
            raise GradflowError(f"{option}: pretrained weights fit {name} only with {option} {default}.")
