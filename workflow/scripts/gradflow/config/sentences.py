"""What pydantic refuses, as one sentence that names the key by its path and says the remedy."""

import difflib

from pydantic import ValidationError

RENAMED = {"probe": "depth_at_init"}  # names of sections that are called otherwise now
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
    where, key = ".".join(path) or "the top level", fault["loc"][-1:]
    if key == ("[key]",):
        form = fault["ctx"]["form"] if fault["type"] == "form" else "It must be a text: put it in quotes."
        return f"config: {where} has the key {fault['input']!r}, which does not have the right form. {form}"
    if fault["type"] == "missing":
        return f"config: {where} lacks a key: {key[0]}; add it."
    return f"config: {where} {_complaint(fault['type'], fault['input'], fault.get('ctx', {}), fault['msg'])}"


def _path(location: tuple, kind: str) -> tuple[str, ...]:
    """The keys down to the section or value that a fault is in, without what pydantic adds in brackets."""
    if location[-1:] == ("[key]",):
        location = location[:-2]
    elif kind == "missing":
        location = location[:-1]
    return tuple(str(part) for part in location if part not in ("[list]", "[value]"))


def _complaint(kind: str, value: object, context: dict, words: str) -> str:
    if kind == "unknown_key":
        return f"has no key {context['key']!r}; {_known(**context)}"
    if kind == "one_of":
        options = [str(option) for option in context["options"]]
        close = difflib.get_close_matches(str(value), options, 1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        return f"is {value!r}{hint}; choose one of {', '.join(options)}."
    if kind == "form":
        return f"is {value!r}, which does not have the right form. {context['form']}"
    if kind == "twice":
        return f"has {context['value']!r} twice; leave one of them."
    if kind == "string_too_short":
        return "is empty; write something, or leave the key out."
    if kind == "too_short":
        number = context["min_length"]
        said = "is empty" if not value else f"has {context['actual_length']} entry"
        return f"{said}; give it at least {number} {'entry' if number == 1 else 'entries'}, or leave the key out."
    if kind in BOUNDS:
        word, bound = BOUNDS[kind]
        return f"is {value!r}; it must be {word} {context[bound]:g}."
    if kind == "unlike":
        return f"is {value!r}; it must be of type {' or '.join(context['names'])}."
    if kind == "float_type" and _reads_as_number(value):
        return (
            f"is the text {value!r}, not a number; write 1e-4 as 1.0e-4, which YAML reads as a number, "
            "and put values that lie inside braces into a --configfile: --config leaves them text."
        )
    if kind in TYPES:
        return f"is {value!r}; it must be of type {TYPES[kind]}."
    return f"is {value!r}: {words}; see docs/configuration.md."


def _known(key: object, takes: list[str], advice: str) -> str:
    """What to write instead of a key that there is not."""
    if RENAMED.get(key) in takes:
        return f"it is called {RENAMED[key]!r} now: rename it."
    close = difflib.get_close_matches(str(key), takes, 1)
    return f"did you mean {close[0]!r}?" if close else f"it takes {', '.join(takes)}{f' ({advice})' if advice else ''}."


def _reads_as_number(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(float(value) or True)
    except ValueError:
        return False
