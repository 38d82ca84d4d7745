"""The JSON schema (draft 2020-12) of the configuration: the file of it, with the names of the registries filled in."""

import copy
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path

import yaml

from gradflow.config.own_architectures import known
from gradflow.data.sources import all_sources
from gradflow.runs import Run
from gradflow.training.optimizers import OPTIMIZERS, REFUSED
from gradflow.training.schedules import SCHEDULES

SCHEMA = Path(__file__).with_name("config.schema.yaml")
LAYERS = {
    "description": "Names of layers as the model spells them; an arm without one of them leaves it out.",
    "type": "array",
    "items": {"type": "string"},
    "default": [],
}


@cache
def shipped_schema() -> dict:
    """Return the schema as its file has it; it is not to be changed."""
    return yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))


def configuration_schema(architectures: Mapping = {}, datasets: object = None) -> dict:
    """Return the schema for a configuration with these sections; of the two the architectures are checked already."""
    filled = copy.deepcopy(shipped_schema())
    settings = filled["$defs"]["settings"]["properties"]
    _fill_settings(settings, architectures)
    study = filled["properties"]["studies"]["additionalProperties"]["properties"]
    study["layers"]["properties"] = dict.fromkeys(settings["architecture"]["enum"], LAYERS)
    data = filled["properties"]["datasets"]
    common = data["additionalProperties"]
    common["properties"]["source"]["enum"] = list(all_sources())
    data["properties"] = {name: _of_source(own, common) for name, own in pairs(datasets)}
    # A grid has the keys of the settings; each takes one value or a list of them.
    filled["$defs"]["grid"] = {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {
            key: {"if": {"type": "array"}, "then": {"type": "array", "minItems": 1, "items": value}, "else": value}
            for key, value in settings.items()
        },
    }
    return filled


def pairs(datasets: object) -> list[tuple[str, dict]]:
    """Return the data sets of a configuration that is not checked yet, those that are key and values."""
    found = datasets.items() if isinstance(datasets, dict) else ()
    return [(name, settings) for name, settings in found if isinstance(settings, dict)]


def _fill_settings(settings: dict, architectures: Mapping) -> None:
    """Add to the settings of a run what the registries know."""
    entries = known(architectures)
    settings["architecture"]["enum"] = list(entries)
    settings["optimizer"]["enum"] = [*OPTIMIZERS, *REFUSED]  # those are refused with the reason
    settings["schedule"]["enum"] = list(SCHEDULES)
    settings |= {part.name: part.metadata["schema"] for part in fields(Run) if "schema" in part.metadata}
    for name, entry in entries.items():
        for option, default in entry.options.items():
            described = {"description": f"An option of {entry.label}."} | _schema_like(default)
            ours = settings.setdefault(option, described)
            if name in architectures and ours is not described:  # a name of ours, perhaps with values of its own
                settings[option] = {"description": ours["description"], "anyOf": [ours, _schema_like(default)]}


def _schema_like(default: object) -> dict:
    """The schema of an option by its default."""
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    kind = kinds.get(type(default))
    return {"type": kind} if kind else {}


def _of_source(settings: dict, common: dict) -> dict:
    """Return the schema of a data set; one whose source is not known is refused by the part common to all."""
    source = all_sources().get(str(settings.get("source", common["properties"]["source"]["default"])))
    if source is None:
        return common
    copies = f"your own copy of its archive goes under downloads.{source.download}.path" if source.download else ""
    return common | {
        "properties": common["properties"] | source.settings,
        "additionalProperties": False,
        "$comment": copies,
    }
