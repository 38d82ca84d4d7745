"""The configuration: read, checked, completed with its defaults. Every fault is one sentence."""

import copy
import os
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from gradflow.config.architectures import known
from gradflow.config.fields import RENAMED
from gradflow.config.schema import OWN_ARCHITECTURES, configuration_model
from gradflow.config.sentences import sentence
from gradflow.config.yaml_files import read_yaml
from gradflow.data.sources import all_sources, known_downloads, needed_downloads
from gradflow.errors import GradflowError
from gradflow.recorder.quantities import measured_on_request

APART = (
    "mlp",
    "depth_at_init",
    "initial_survey",
    "alignment",
    "landmarks",
)  # no studies: each has a section of its own


def read_configuration(*paths: Path) -> dict:
    """Read configuration files, later ones laid over earlier ones, and complete them.

    Raises GradflowError for a file that cannot be read and for whatever `complete` refuses.
    """
    merged: dict = {}
    for path in paths:
        part = read_yaml(path) or {}
        if not isinstance(part, dict):
            raise GradflowError(f"{path} must hold keys and values.")
        _overlay(merged, part)
    return complete(merged)


def complete(config: dict) -> dict:
    """Return a checked copy of a configuration with every default filled in.

    Raises GradflowError, one sentence that names the key and the remedy.
    """
    config = copy.deepcopy(dict(config))
    config["downloads"] = _known_downloads(config.get("downloads", {}))
    try:  # first the user's architectures, as what studies take follows from them
        own = OWN_ARCHITECTURES.validate_python(config.get("architectures", {}))
    except ValidationError as error:
        raise GradflowError(sentence(error, "architectures")) from None
    try:
        config = configuration_model(known(own)).model_validate(config)
    except ValidationError as error:
        raise GradflowError(sentence(error)) from None
    _expand_paths(config)
    _check_references(config)
    _check_architectures(config["alignment"]["architectures"], known(own))
    return config


def _expand_paths(config: dict) -> None:
    """Let paths begin with ~ and name variables of the environment, as $HOME. Raises GradflowError for others."""
    for key in ("results", "cache", "claims"):
        config[key] = _expanded(key, config[key])
    for section in ("datasets", "downloads"):
        for name, settings in config[section].items():
            if settings.get("path"):
                settings["path"] = _expanded(f"{section}.{name}.path", settings["path"])


def _expanded(where: str, path: str) -> str:
    expanded = os.path.expandvars(os.path.expanduser(path))
    unknown = re.search(r"\$(\w+|\{\w+\})", expanded)
    if unknown and not os.path.exists(expanded):
        raise GradflowError(
            f"config: {where} is {path!r}, and the environment has no {unknown[1].strip('{}')}: write the path out."
        )
    return expanded


def _known_downloads(written: object) -> object:
    """What sources say of the files that they are made from, with what is written laid over it."""
    if not isinstance(written, dict):
        return written
    known = known_downloads()
    return known | {
        name: known.get(name, {}) | entry if isinstance(entry, dict) else entry for name, entry in written.items()
    }


def _check_references(config: dict) -> None:
    """Check what a schema cannot: that names refer to something, and that folders exist."""
    for name in APART:
        if name in config["studies"]:
            raise GradflowError(
                f"config: studies.{name} is taken: {name} has a key of its own; name the study otherwise."
            )
    for name in config["select"]:
        _check_selected(name, config["studies"])
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


def _check_architectures(names: list[str], entries: Mapping) -> None:
    for name in names:
        if name not in entries:
            raise GradflowError(
                f"config: alignment.architectures names {name!r}, which is none; choose from {', '.join(entries)}."
            )


def _check_selected(name: str, studies: dict) -> None:
    if name in APART or name in studies:
        return
    if name in RENAMED:
        raise GradflowError(f"config: select names {name!r}, which is called {RENAMED[name]!r} now: rename it.")
    raise GradflowError(
        f"config: select names the study {name!r}, which is not defined under studies; "
        f"choose from {', '.join([*studies, *APART])}."
    )


def _check_dataset(name: str, settings: dict, downloads: dict) -> None:
    where = f"config: datasets.{name}"
    try:
        all_sources()[settings["source"]].check(settings)
    except GradflowError as error:
        raise GradflowError(f"{where}: {error}") from None
    for needed in needed_downloads(settings):
        if needed not in downloads:
            raise GradflowError(f"{where} needs downloads.{needed}, which is not there; add its urls and sha256.")


def _overlay(below: dict, above: dict) -> None:
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _overlay(below[key], value)
        else:
            below[key] = value
