"""What pydantic refuses, as one sentence that names the key by its path and says the remedy."""

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
    if type == "float_type" and _reads_as_number(input):
        return (
            f"is the text {input!r}, not a number; write 1e-4 as 1.0e-4, which YAML reads as a number, "
            "and put values that lie inside braces into a --configfile: --config leaves them text."
        )
    if type in TYPES:
        return f"is {input!r}; it must be of type {TYPES[type]}."
    return f"is {input!r}: {msg}; see docs/configuration.md."


def _reads_as_number(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(float(value) or True)
    except ValueError:
        return False
