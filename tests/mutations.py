"""The default configuration with something wrong, or merely other: what must be accepted whole or refused in words."""

import copy
from functools import cache

import yaml
from hypothesis import strategies as st

from conftest import ROOT

ODD = [
    "",
    " ",
    "\x00",
    "\u202e",
    "épochs",
    "宽度",
    "👩‍🔬",
    "a\nb",
    "../..",
    "1e-4",
    "nan",
    "~",
    "{run}",
    "%s",
    "x" * 5000,
]
HUGE = [10**9, 10**30, -(10**30), 1e308, -1e308, float("inf"), float("nan"), 2**63]
scalars = st.none() | st.booleans() | st.integers(-5, 10**9) | st.floats(allow_nan=True) | st.text(max_size=5)
scalars = scalars | st.sampled_from(ODD) | st.sampled_from(HUGE)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def paths(value, prefix=()):
    yield prefix
    if isinstance(value, dict):
        for key in value:
            yield from paths(value[key], (*prefix, key))
    elif isinstance(value, list):
        for i in range(len(value)):
            yield from paths(value[i], (*prefix, i))


@cache
def _parsed():
    return yaml.safe_load((ROOT / "config.yaml").read_text())


def default():
    """The default configuration, as its file has it."""
    return copy.deepcopy(_parsed())


@st.composite
def mutated(draw):
    """The default with one fault or change: another value, a lost part, a new key, a renamed one, a doubled number."""
    config = default()
    path = draw(st.sampled_from([path for path in paths(config) if path]))
    part = config
    for key in path[:-1]:
        part = part[key]
    last, kind = path[-1], draw(st.sampled_from(["another value", "lost", "new key", "renamed", "scaled", "nested"]))
    if kind == "lost":
        del part[last]
    elif kind in ("new key", "renamed") and isinstance(part, dict):
        part[draw(st.text(max_size=5) | st.sampled_from(ODD))] = part.pop(last) if kind == "renamed" else draw(values)
    elif kind == "scaled" and isinstance(part[last], (int, float)):
        part[last] *= draw(st.sampled_from([-1, 0, 0.5, 2, 1000, 10**12]))
    elif kind == "nested":
        part[last] = draw(st.sampled_from([[part[last]], {"a": part[last]}, [part[last]] * 2]))
    else:
        part[last] = draw(values)
    return config
