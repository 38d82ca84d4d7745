"""What pydantic refuses, as one sentence that names the key by its path and says the remedy."""

import re

from pydantic import ValidationError

TYPES = {
    "bool_type": "boolean",
    "int_type": "integer",
    "float_type": "number",
    "finite_number": "number",
    "string_type": "string",
    "list_type": "array",
    "dict_type": "object",
    "model_type": "object",
    "model_attributes_type": "object",
}
# Texts that say a value of a type.
MEANT = {"number": r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", "integer": r"[-+]?\d+", "boolean": "(?i:true|false)"}
BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("above", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("below", "lt"),
}


def sentence(error: ValidationError, *above: str) -> str:
    """Return what is wrong first, from the top level down; above: the keys above what was checked."""
    faults = [(_path(above + fault["loc"], fault["type"]), fault) for fault in error.errors(include_url=False)]
    path, fault = min(faults, key=lambda pair: (len(pair[0]), pair[0]))
    where, complaint = ".".join(path) or "the top level", _complaint(**fault)
    if fault["loc"][-1:] == ("[key]",):
        return f"config: {where} has a key that {complaint}"
    return f"config: {where} {complaint}"


def _path(location: tuple, kind: str) -> tuple[str, ...]:
    """The keys down to the section or value that a fault is in, without what pydantic adds in brackets."""
    if location[-1:] == ("[key]",):
        location = location[:-2]
    elif kind == "missing":
        location = location[:-1]
    return tuple(str(part) for part in location if part not in ("[list]", "[value]"))


def _complaint(type: str, loc: tuple, msg: str, input: object, ctx: dict | None = None) -> str:
    """Say what is wrong with a value, from a fault as pydantic gives it."""
    if type == "value_error":
        return str(ctx["error"])
    if type == "missing":
        return f"lacks a key: {loc[-1]}; add it."
    if type == "string_too_short":
        return "is empty; write something, or leave the key out."
    if type == "too_short":
        number = ctx["min_length"]
        said = "is empty" if not input else f"has {ctx['actual_length']} entry"
        return f"{said}; give it at least {number} {'entry' if number == 1 else 'entries'}, or leave the key out."
    if type in BOUNDS:
        word, bound = BOUNDS[type]
        return f"is {input!r}; it must be {word} {ctx[bound]:g}."
    kind = TYPES.get(type)
    if kind and input is None:
        return f"is empty; write what it is to be (type {kind}), or leave the key out."
    if kind in MEANT and isinstance(input, str) and re.fullmatch(MEANT[kind], input):
        exponent = (
            "write 1e-4 as 1.0e-4, which YAML reads as a number, and "
            if kind == "number" and "e" in input.lower()
            else ""
        )
        return (
            f"is the text {input!r}; it must be of type {kind}: {exponent}put values that lie inside braces or "
            "brackets into a --configfile, as --config leaves them text."
        )
    if kind == "array" and isinstance(input, str):
        return f"is the text {input!r}; it must be a list, of type array: write [{input.strip('[] ')}]."
    if kind:
        return f"is {input!r}; it must be of type {TYPES[type]}."
    return f"is {input!r}: {msg}; see docs/configuration.md."
