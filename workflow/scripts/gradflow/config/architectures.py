"""The configuration's section `architectures`: networks of the user's own, beside those of the catalogue."""

import json
from collections.abc import Mapping
from dataclasses import fields

from gradflow.errors import GradflowError
from gradflow.models.catalogue import CATALOGUE, Architecture
from gradflow.runs import MODEL_OPTIONS, Run

BUILDS = {"num_classes", "channels", "weights"}  # what `gradflow.models.build` takes beside a run's settings
# What an option must be like that has a name of ours, as runs have a field for it.
OURS = {
    option: default
    for entry in CATALOGUE.values()
    for option, default in entry.options.items()
    if option in MODEL_OPTIONS
}


def known(own: Mapping[str, Mapping] = {}) -> dict[str, Architecture]:
    """Return every architecture by name: the catalogue's, and those of a configuration's section `architectures`.

    Raises GradflowError for a name or a label that is taken, and for plans and options that cannot be a run's.
    """
    found = dict(CATALOGUE)
    for name, entry in own.items():
        where = f"config: architectures.{name}"
        if name in CATALOGUE:
            raise GradflowError(f"{where}: {name} is an architecture of gradflow's own; give yours another name.")
        for part in ("plan", "options"):
            _check_plain(f"{where}.{part}", entry[part])
        for option, default in entry["options"].items():
            _check_option(where, option, default)
        architecture = Architecture(**{"label": name} | {key: value for key, value in entry.items() if value})
        twin = next((other for other in found if found[other].label == architecture.label), None)
        if twin:
            raise GradflowError(
                f"{where}.label is {architecture.label!r}, which {twin} is called; give it another one."
            )
        found[name] = architecture
    return found


def _check_option(where: str, option: str, default: object) -> None:
    """Raise GradflowError for an option that a run has with another meaning."""
    taken = {field.name for field in fields(Run)} - set(MODEL_OPTIONS) | BUILDS
    if option in taken:
        raise GradflowError(f"{where}.options names {option!r}, which every run has with another meaning; rename it.")
    if option in MODEL_OPTIONS and type(default) is not type(OURS[option]):
        kind = type(OURS[option]).__name__
        raise GradflowError(f"{where}.options.{option} is {default!r}; gradflow's {option} is a {kind}: rename yours.")


def _check_plain(where: str, value: object) -> None:
    """Raise GradflowError unless a value is made of texts, numbers, lists and mappings from texts, as JSON has them."""
    try:
        plain = json.loads(json.dumps(value, allow_nan=False)) == value
    except (TypeError, ValueError):
        plain = False
    if not plain:
        raise GradflowError(f"{where} holds {value!r}; it may hold texts, numbers, lists, and keys that are texts.")
