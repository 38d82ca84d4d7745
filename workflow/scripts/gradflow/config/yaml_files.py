"""YAML files as people write them: read as UTF-8, and refused where a key is there twice, as the last would win."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from gradflow.errors import GradflowError

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> object:
    """Return what a YAML file holds.

    Raises GradflowError for a file that cannot be read, and for a key that is there twice in one place.
    """
    try:
        written = Path(path).read_text(encoding="utf-8")
        refuse_twice(path, written)
        return yaml.load(written, LOADER)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise GradflowError(f"{path} cannot be read as YAML: {' '.join(str(error).split())}") from error


def refuse_twice(path: Path, written: str) -> None:
    """Raise GradflowError for a key that stands twice in one place of a file's text."""
    for keys in _mappings(yaml.compose(written, LOADER)):
        first = {}
        for key in keys:
            before = first.setdefault((key.tag, key.value), key)
            if before is not key and not key.tag.endswith(":merge"):
                raise GradflowError(
                    f"config: {path}, line {key.start_mark.line + 1}: {key.value} is there twice, in line "
                    f"{before.start_mark.line + 1} too, and YAML would take the last alone: make them one."
                )


def _mappings(node: yaml.Node | None, seen: set[int] | None = None) -> Iterator[list[yaml.ScalarNode]]:
    """The keys of every mapping in a node, of each once though several places may name it."""
    seen = set() if seen is None else seen
    if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        yield [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    for part in node.value:
        for below in part if isinstance(part, tuple) else (part,):
            yield from _mappings(below, seen)
