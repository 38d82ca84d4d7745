"""The claims file, report/claims.yaml: how it is read, and what a claim and its tests may say."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import jsonschema
import yaml

from gradflow.analysis.claims.evidence import kind_of, kinds
from gradflow.config.yaml_files import read_yaml
from gradflow.errors import GradflowError

SCHEMA = Path(__file__).with_name("claims.schema.yaml")
RENAMED = {"probe": "depth_at_init", "draws": "random_mlps"}  # keys of earlier versions


def read_claims(path: Path) -> list[dict]:
    """Read claims.yaml. Raises GradflowError for a key, a measure or a region that is not known."""
    try:
        claims = read_yaml(path)
        for fault in _renamed(claims):
            raise GradflowError(f"{path}: {fault}.")
        jsonschema.validate(claims, claims_schema())
    except jsonschema.ValidationError as error:
        where = ".".join(str(part) for part in error.absolute_path)
        raise GradflowError(f"{path}: {where}: {error.message.splitlines()[0]}; see {SCHEMA.name}.") from None
    twice = [claim["id"] for claim in claims if sum(claim["id"] == other["id"] for other in claims) > 1]
    faults = [f"{name} stands there twice" for name in twice[:1]]
    faults += [f"{claim['id']}: {fault}" for claim in claims for test in claim["tests"] for fault in _faults(test)]
    if faults:
        raise GradflowError(f"{path}: {faults[0]}.")
    return claims


@cache
def claims_schema() -> dict:
    """Return the JSON schema (draft 2020-12) of claims: a test has what all have, and what its kind of evidence has."""
    loaded = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    test = loaded["$defs"]["test"]
    for key, kind in kinds().items():
        own = {"properties": test["properties"] | kind.schema["properties"], "additionalProperties": False}
        test["allOf"].append({"if": {"required": [key]}, "then": kind.schema | own})
    return loaded


def _faults(test: dict) -> Iterator[str]:
    """Say what a schema cannot."""
    if kinds().keys() & test.keys():
        yield from kind_of(test).faults(test)
        if "minus" in test and 0 in (test.get("above"), test.get("below")):
            yield f"the test {test['says']!r} of a difference has the bound 0: give it its smallest effect of interest"
    else:
        yield f"the test {test['says']!r} asks for no evidence; give it one of {', '.join(kinds())}"


def _renamed(node) -> Iterator[str]:
    """Say which key of an earlier version is in a part of the file, however deep."""
    for key in node if isinstance(node, dict) else ():
        if key in RENAMED:
            yield f"{key!r} is called {RENAMED[key]!r} now; rename the key"
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _renamed(part)
