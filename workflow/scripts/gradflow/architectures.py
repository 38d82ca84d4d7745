"""Architectures by name, the catalogue's and the user's own: which there are, and which options a run of one has."""

from collections.abc import Mapping
from dataclasses import fields

from gradflow.errors import GradflowError
from gradflow.models.catalogue import CATALOGUE, Architecture
from gradflow.runs import MODEL_OPTIONS, OUTCOMES, Run

# Names that an option cannot have: what `build` itself takes, and other columns of tables.
_TAKEN = {"num_classes", "channels", "weights", "run", "study", "title", "arm", "label", "start", *OUTCOMES}


def known(own: Mapping[str, Mapping] = {}) -> dict[str, Architecture]:
    """Return every architecture by name: the catalogue's, and those of a configuration's section `architectures`.

    Raises GradflowError for a name or a label that is taken, and for an option that has the name of another setting.
    """
    found = dict(CATALOGUE)
    for name, entry in own.items():
        where = f"config: architectures.{name}"
        if name in CATALOGUE:
            raise GradflowError(f"{where}: {name} is an architecture of gradflow's own; give yours another name.")
        taken = {field.name for field in fields(Run)} - set(MODEL_OPTIONS) | _TAKEN
        clash = next((option for option in entry["options"] if option in taken), None)
        if clash:
            raise GradflowError(
                f"{where}.options names {clash!r}, which means something else in every run; rename the option."
            )
        own_entry = Architecture(**{"label": name} | {key: value for key, value in entry.items() if value})
        twin = next((other for other in found if found[other].label == own_entry.label), None)
        if twin:
            raise GradflowError(f"{where}.label is {own_entry.label!r}, which {twin} is called; give it another one.")
        found[name] = own_entry
    return found


def find(architecture: str | Architecture) -> Architecture:
    """Return an architecture by its name in the catalogue, or as it is. Raises GradflowError for an unknown name."""
    if isinstance(architecture, Architecture):
        return architecture
    if architecture not in CATALOGUE:
        raise GradflowError(f"architecture: {architecture!r} is not known; choose one of {', '.join(CATALOGUE)}.")
    return CATALOGUE[architecture]


def resolve(name: str, architecture: Architecture, options: Mapping) -> dict:
    """Return all options of an architecture: those given, and the defaults of the others.

    Raises GradflowError for an option that it lacks.
    """
    takes = architecture.options
    for option in options:
        if option not in takes:
            raise GradflowError(f"{option}: {name} has no such option; it takes {', '.join(takes) or 'none'}.")
    return takes | dict(options)


def check_pretrained(name: str, architecture: Architecture, options: dict) -> None:
    """Raise GradflowError unless there are trained weights for an architecture with these options."""
    if not architecture.pretrained:
        having = ", ".join(other for other, entry in CATALOGUE.items() if entry.pretrained)
        raise GradflowError(f"init: there are pretrained weights for {having} alone, not for {name}.")
    for option, default in architecture.options.items():
        if option != "dropout" and options[option] != default:
            raise GradflowError(f"{option}: pretrained weights fit {name} only with {option} {default}.")
