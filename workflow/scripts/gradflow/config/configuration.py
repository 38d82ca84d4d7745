"""The configuration: read, checked against its schema, completed with its defaults. Every fault is one sentence."""

import copy
import difflib
import math
from pathlib import Path

import jsonschema
import yaml

from gradflow.config.schema import configuration_schema, pairs, shipped_schema
from gradflow.data.sources import all_sources, needed_download
from gradflow.errors import GradflowError
from gradflow.recorder.quantities import measured_on_request

UNTRAINED = ("mlp", "depth_at_init")  # networks at initialisation, which have a section of their own


def _is_integer(checker, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(checker, value: object) -> bool:
    return _is_integer(checker, value) or (isinstance(value, float) and math.isfinite(value))


# JSON Schema takes 3.0 for an integer and NaN for a number; either would fail later, in a job.
_TYPES = {"integer": _is_integer, "number": _is_finite}
_VALIDATOR = jsonschema.validators.extend(
    jsonschema.Draft202012Validator, type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(_TYPES)
)


def read_configuration(*paths: Path) -> dict:
    """Read configuration files, later ones laid over earlier ones, and complete them.

    Raises GradflowError for a file that cannot be read and for whatever `complete` refuses.
    """
    merged: dict = {}
    for path in paths:
        try:
            part = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise GradflowError(f"{path} cannot be read as YAML: {' '.join(str(error).split())}") from error
        if not isinstance(part, dict):
            raise GradflowError(f"{path} must hold keys and values.")
        _overlay(merged, part)
    return complete(merged)


def complete(config: dict) -> dict:
    """Return a checked copy of a configuration with every default filled in.

    Raises GradflowError, one sentence that names the key and the remedy.
    """
    config = copy.deepcopy(dict(config))
    _forget_nulls(config)
    shipped = shipped_schema()
    own = config.get("architectures", {})
    _validate({"architectures": own}, shipped)  # first, as the rest of the schema follows from it
    _fill(own, shipped["properties"]["architectures"], shipped)
    whole = configuration_schema(own, config.get("datasets"))
    _validate(config, whole)
    _fill(config, whole, whole)
    _expand_home(config)
    _check_references(config)
    return config


def _validate(config: dict, against: dict) -> None:
    """Raise GradflowError, one sentence, for the first thing that a schema refuses."""
    errors = _VALIDATOR(against).iter_errors(config)
    first = min(errors, key=lambda error: (len(error.absolute_path), str(error.absolute_path)), default=None)
    if first:
        raise GradflowError(_sentence(first))


def _forget_nulls(config: dict) -> None:
    """Take what is null out of the data sets, so that an overlay that changes a source can take its keys away."""
    keys = {key for source in all_sources().values() for key in source.settings}
    for _, settings in pairs(config.get("datasets")):
        for key in keys & settings.keys():
            if settings[key] is None:
                del settings[key]


def _expand_home(config: dict) -> None:
    """Let paths begin with ~."""
    config["cache"] = str(Path(config["cache"]).expanduser())
    for settings in [*config["datasets"].values(), *config["downloads"].values()]:
        if settings.get("path"):
            settings["path"] = str(Path(settings["path"]).expanduser())


def _check_references(config: dict) -> None:
    """Check what a schema cannot: that names refer to something, and that folders exist."""
    for name in UNTRAINED:
        if name in config["studies"]:
            raise GradflowError(
                f"config: studies.{name} is taken: {name} has a key of its own; name the study otherwise."
            )
    for name in config["select"]:
        if name not in UNTRAINED and name not in config["studies"]:
            raise GradflowError(
                f"config: select names the study {name!r}, which is not defined under studies; "
                f"choose from {', '.join([*config['studies'], *UNTRAINED])}."
            )
    measured_on_request(config["record"])
    for name, settings in config["datasets"].items():
        _check_dataset(name, settings, config["downloads"])
    for name, settings in config["downloads"].items():
        if not settings["urls"] and not settings["path"]:
            raise GradflowError(f"config: downloads.{name} has neither urls nor a path; give it one.")
    if config["scale"]["dataset"] not in config["datasets"]:
        raise GradflowError(
            f"config: scale.dataset names {config['scale']['dataset']!r}; "
            f"choose one of datasets: {', '.join(config['datasets'])}."
        )


def _check_dataset(name: str, settings: dict, downloads: dict) -> None:
    where = f"config: datasets.{name}"
    try:
        all_sources()[settings["source"]].check(settings)
    except GradflowError as error:
        raise GradflowError(f"{where}: {error}") from None
    needed = needed_download(settings)
    if needed and needed not in downloads:
        raise GradflowError(f"{where} needs downloads.{needed}, which is not there; add its urls and sha256.")


def _sentence(error: jsonschema.ValidationError) -> str:
    where = ".".join(str(part) for part in error.absolute_path) or "the top level"
    rule, value = error.validator, error.instance
    if rule == "additionalProperties":
        known = error.schema.get("properties", {})
        key = next(key for key in value if key not in known)
        close = difflib.get_close_matches(str(key), known, 1)
        comment = f" ({error.schema['$comment']})" if error.schema.get("$comment") else ""
        remedy = f"did you mean {close[0]!r}?" if close else f"it takes {', '.join(known)}{comment}."
        return f"config: {where} has no key {key!r}; {remedy}"
    if rule == "required":
        return f"config: {where} lacks a key: {error.message}; add it."
    if rule in ("minItems", "minProperties"):
        return f"config: {where} is empty; give it at least {error.validator_value} entry, or leave the key out."
    if rule == "enum":
        close = difflib.get_close_matches(str(value), [str(option) for option in error.validator_value], 1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        return f"config: {where} is {value!r}{hint}; choose one of {', '.join(map(str, error.validator_value))}."
    if rule == "pattern":
        form = error.schema.get("description") or f"it must match {error.validator_value}."
        return f"config: {where} is {value!r}, which does not have the right form. {form}"
    bounds = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    if rule in bounds:
        return f"config: {where} is {value!r}; it must be {bounds[rule]} {error.validator_value}."
    if rule == "type" and error.validator_value == "number" and _reads_as_number(value):
        return (
            f"config: {where} is the text {value!r}, not a number; write 1e-4 as 1.0e-4, which YAML reads as a number, "
            "and put values that lie inside braces into a --configfile: --config leaves them text."
        )
    if rule == "type":
        return f"config: {where} is {value!r}; it must be of type {error.validator_value}."
    return f"config: {where}: {error.message}; see docs/studies.md."


def _reads_as_number(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(float(value) or True)
    except ValueError:
        return False


def _fill(value: object, part: dict, whole: dict) -> None:
    """Fill defaults in place, following a part of a whole schema."""
    if "$ref" in part:
        part = {**whole["$defs"][part["$ref"].rsplit("/", 1)[1]], **part}
    if not isinstance(value, dict):
        return
    for key, child in part.get("properties", {}).items():
        if key not in value and "default" in child:
            value[key] = copy.deepcopy(child["default"])
    children = part.get("additionalProperties")
    for key, child in value.items():
        if key in part.get("properties", {}):
            _fill(child, part["properties"][key], whole)
        elif isinstance(children, dict):
            _fill(child, children, whole)


def _overlay(below: dict, above: dict) -> None:
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _overlay(below[key], value)
        else:
            below[key] = value
