"""Sections of the configuration: what all of them are, as pydantic models, and the kinds of their fields.

A ValueError says what is wrong with a value as the end of a sentence that begins with its path.
"""

import difflib
import re
from collections.abc import Callable, Iterable
from types import NoneType
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    WrapValidator,
    create_model,
    model_validator,
)
from pydantic.fields import FieldInfo

T = TypeVar("T")
NEAR = 0.75  # how alike, by difflib's ratio, a word and a name are of which one was meant to be the other
RENAMED = {"probe": "depth_at_init"}  # names of sections that are called otherwise now


def nearest(word: object, names: Iterable[str]) -> str | None:
    """Return the name that a word was most likely meant to be; None if none is near.

    Who mistypes a name gets its first letter and its numbers right: fp16 is no bf16, and densenet121 no resnet18.
    """
    plain = {name: name.lower().replace("_", "") for name in names}
    written = re.sub(r"[_\W]", "", str(word).lower())
    like = {name: text for name, text in plain.items() if _fixed(text) == _fixed(written)}
    close = difflib.get_close_matches(written, like.values(), 1, NEAR)
    return next((name for name, text in like.items() if text in close), None)


def _fixed(text: str) -> tuple[str, list[str]]:
    """What is seldom mistyped."""
    return text[:1], re.findall(r"\d+", text)


class Section(BaseModel):
    """Keys and values, checked as they are written: nothing is converted, and what comes out is a plain dict.

    It has the keys in the order in which they are written, then the defaults of the others. `advice` is for who writes
    a key that there is not.
    """

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, validate_default=True, defer_build=True)
    advice: ClassVar[str] = ""

    @model_validator(mode="wrap")
    @classmethod
    def _as_written(cls, written: object, check: Callable) -> dict:
        names = {field.alias or name: name for name, field in cls.model_fields.items()}
        if isinstance(written, dict):
            unknown = [key for key in written if key not in names]
            if unknown:
                raise ValueError(f"has no key {unknown[0]!r}; {cls._instead_of(unknown[0], list(names))}")
        checked = check(written)
        return {key: getattr(checked, names[key]) for key in dict.fromkeys([*written, *cls._left_out(names)])}

    @classmethod
    def _instead_of(cls, key: object, names: list[str]) -> str:
        """Say what to write instead of a key that there is not."""
        if RENAMED.get(key) in names:
            return f"it is called {RENAMED[key]!r} now: rename it."
        meant = nearest(key, names)
        advice = f" ({cls.advice})" if cls.advice else ""
        return f"did you mean {meant!r}?" if meant else f"it takes {', '.join(names)}{advice}."

    @classmethod
    def _left_out(cls, names: Iterable[str]) -> Iterable[str]:
        """Which keys are there though they may not be written."""
        return names


class Sparse(Section):
    """A section that says what differs from elsewhere: what is left out is no default of its own."""

    model_config = ConfigDict(validate_default=False)

    @classmethod
    def _left_out(cls, names: Iterable[str]) -> Iterable[str]:
        return ()


def section(name: str, base: type[Section], fields: dict[str, tuple[Any, FieldInfo]], words: str) -> type[Section]:
    """Return a section whose keys are known at run time; a key may be called as anything that pydantic has."""
    named = {
        key if key in base.model_fields else f"key_{key}": (Annotated[kind, Field(alias=key)], field)
        for key, (kind, field) in fields.items()
    }
    return create_model(name, __base__=base, __doc__=words, **named)


def option(description: str, **bounds) -> FieldInfo:
    """Return the field of a setting whose default is not said here, as it is that of something else."""
    return Field(default_factory=NoneType, description=description, **bounds)


def _unchanged(value: object, check: Callable) -> object:
    check(value)
    return value


Number = Annotated[float, WrapValidator(_unchanged)]  # 1 stays 1


def _distinct(values: list) -> list:
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise ValueError(f"has {twice!r} twice; leave one of them.")
    return values


Distinct = Annotated[list[T], AfterValidator(_distinct), Field(json_schema_extra={"uniqueItems": True})]


def one_of(*options: str | int) -> type:
    """Return the kind of a value that is one of several."""

    def check(value: object) -> object:
        if not any(type(value) is type(option) and value == option for option in options):
            named = [str(option) for option in options]
            meant = nearest(value, named)
            hint = f" (did you mean {meant!r}?)" if meant else ""
            raise ValueError(f"is {value!r}{hint}; choose one of {', '.join(named)}.")
        return value

    return Annotated[Any, AfterValidator(check), WithJsonSchema({"enum": list(options)})]


def written_as(pattern: str, form: str) -> type:
    """Return the kind of a text that has a form, as a pattern and in a sentence."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"is {value!r}, which does not have the right form. {form}")
        return value

    return Annotated[str, AfterValidator(check), Field(json_schema_extra={"pattern": f"^{pattern}$"})]


KINDS = {"boolean": bool, "integer": int, "number": Number, "string": str, "array": list, "object": dict}
NAMES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


def like(*defaults: object) -> type:
    """Return the kind of a value that is like one of some defaults; like None is anything."""
    if None in defaults:
        return Any
    names = list(dict.fromkeys(NAMES[type(default)] for default in defaults))
    if len(names) == 1:
        return KINDS[names[0]]

    def check(value: object) -> object:
        name = NAMES.get(type(value))
        if name not in names and not (name == "integer" and "number" in names):
            raise ValueError(f"is {value!r}; it must be of type {' or '.join(names)}.")
        return value

    return Annotated[Any, AfterValidator(check), WithJsonSchema({"type": names})]


def one_or_several(kind: type, *checks: object) -> type:
    """Return the kind of what is a value or a list of values; what is in brackets is in no path of an error."""
    value = Annotated[kind, *checks, Tag("[value]")]
    return Annotated[value | Annotated[list[value], Field(min_length=1), Tag("[list]")], Discriminator(_is_list)]


def _is_list(written: object) -> str:
    return "[list]" if isinstance(written, list) else "[value]"
