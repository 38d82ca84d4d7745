"""The page of every key of the configuration: `python -m gradflow.config.reference` prints docs/configuration.md."""

import json
from collections.abc import Iterator

from gradflow.config.schema import json_schema

HEAD = """# Every key of the configuration

`config.yaml` states the default; `--configfile overlay.yaml` lays another file over it, and `--config key=value`
changes one key. What is left out has the default that is said here, and a key that is not here is refused. How studies
are made of it: [studies.md](studies.md); data sets: [data.md](data.md).

This page is written by `make reference` from the fields themselves. The same as JSON schema, for editors:

```console
python -c "import json; from gradflow.config.schema import json_schema as it; print(json.dumps(it()))" > schema.json
```

and then, as the first line of your file, `# yaml-language-server: $schema=schema.json`.
"""
COLUMNS = "| key | default | takes | what it is |\n|---|---|---|---|"


def reference() -> str:
    """Return the page: a table of keys for each section."""
    schema = json_schema()
    parts = [HEAD]
    for path, section in _sections("", schema, schema["$defs"]):
        title = f"## `{path}`\n\n{section['description']}\n" if path else "## The top level\n"
        rows = list(_rows(section, schema["$defs"]))
        parts.append("\n".join([title, COLUMNS, *rows] if rows else [title.rstrip()]) + "\n")
    return "\n".join(parts)


def _sections(path: str, section: dict, models: dict) -> Iterator[tuple[str, dict]]:
    """Yield a section and those below it, by their paths."""
    yield path, section
    for key, part in section["properties"].items():
        for name, below in _held(part, models):
            yield from _sections(f"{path}.{key}{name}".lstrip("."), below, models)


def _held(part: dict, models: dict) -> Iterator[tuple[str, dict]]:
    """Yield the sections that a key holds: it is one, or it has some by name; layers by architecture are none."""
    named = [kind for value in part.get("patternProperties", {}).values() for kind in value.get("anyOf", [value])]
    for kind in [part, *named]:
        section = _resolved(kind, models)
        if "$ref" in kind and section["title"] != "Layers":
            sources = section["properties"].get("source", {}).get("enum", [])
            # a data set's keys are those of its source
            yield "".join([".<name>" if named else "", *(f"` with `source: {source}" for source in sources)]), section


def _resolved(part: dict, models: dict) -> dict:
    return models[part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part


def _rows(section: dict, models: dict) -> Iterator[str]:
    for key, part in section["properties"].items():
        if any(_held(part, models)):
            continue
        default = f"`{json.dumps(part['default'], ensure_ascii=False)}`" if "default" in part else "–"
        default = "required" if key in section.get("required", ()) else default
        described = part.get("description") or _resolved(part, models)["description"]
        yield f"| `{key}` | {default} | {_takes(part)} | {described} |"


def _takes(part: dict) -> str:
    """Say in words which values a part of the schema takes."""
    if "enum" in part:
        return ", ".join(f"`{option}`" for option in part["enum"])
    if "anyOf" in part:
        return " or ".join(_takes(option) for option in part["anyOf"])
    kind = "object" if "$ref" in part else part.get("type", "anything")
    if kind == "array":
        return f"list of {_takes(part['items'])}" if part["items"] else "list"
    words = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    bounds = [f"{said} {part[word]:,}" for word, said in words.items() if word in part]
    return " ".join([{"object": "keys and values", "string": "text"}.get(kind, kind), ", ".join(bounds)]).strip()


if __name__ == "__main__":
    print(reference(), end="")
