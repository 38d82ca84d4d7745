"""The columns of a recording: what a recorder would record of the network that a builder builds, and what it would not.

No weights are needed for it: the network is built without memory, if its builder allows it.
"""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from gradflow.builders import load_builder
from gradflow.errors import GradflowError, printable
from gradflow.models.architectures import resolve_options
from gradflow.models.catalogue import CATALOGUE, Architecture
from gradflow.models.main_path import beside_main_path
from gradflow.models.size import CLASSES, first_line, without_memory
from gradflow.recorder.layers import Watched, select_layers, weight_shape
from gradflow.recorder.recorder import GradientRecorder

BATCH = 2  # of the one forward pass: batch norm takes no single sample
HEADS = ("column", "kind", "weight", "weights", "fan-in", "path")
NAMES_SHOWN = 3
MAIN, BESIDE, NO_GRADIENT = "main", "beside", "no gradient"
NO_MATRIX = "no matrix of theirs is known to multiply; GradientRecorder(model, layers) records them by name or type"


@dataclass(frozen=True)
class Column:
    """A layer that is recorded: its weight's shape and size, and the path it lies on; "" where that is not known."""

    name: str
    kind: str
    shape: tuple[int, ...]
    weights: int
    fan_in: int
    path: str


class Unrecorded(NamedTuple):
    """A module with parameters of its own that is no column, and why not."""

    name: str
    kind: str
    parameters: int
    reason: str


@dataclass(frozen=True)
class Columns:
    """What would be recorded of a network, in forward order if an input went through it, and what would not."""

    recorded: list[Column]
    unrecorded: list[Unrecorded]
    parameters: int  # of the whole network


def columns_of(builder: str, options: Mapping, size: Sequence[int] | None = None) -> Columns:
    """Return what would be recorded of a network.

    builder: an architecture of the catalogue, "package.module:function" or "path/to/file.py:function". options: what it
    is called with, by name. size: of an input without its batch, which goes through the network once; without it the
    layers are in the order of their definition, and their paths are not known.

    Raises GradflowError for a builder that is not there or fails, for an input that does not fit, and for a network
    without a layer to record.
    """
    entry = _entry(builder, options)
    stage = ["cannot be built"]

    def work(device: str) -> Columns:
        model = build(**settings)
        if not isinstance(model, nn.Module):
            raise GradflowError(f"{builder} returned a {type(model).__name__}; a builder returns an nn.Module.")
        stage.append(f"takes no input of {'×'.join(map(str, size))}" if size else "cannot be listed")
        return _columns(model, size)

    try:
        build = load_builder(entry.builder)  # with memory, as its module may hold tensors
        settings = entry.plan | entry.options
        settings |= _given(build, builder, settings, size)
        return without_memory(work)
    except GradflowError:
        raise
    except SystemExit as stopped:
        raise GradflowError(f"{builder} ended Python ({first_line(stopped)}) instead of building a network.") from None
    except Exception as error:  # other people's code fails in any way
        raise GradflowError(f"{builder} {stage[-1]} ({type(error).__name__}: {first_line(error)}).") from error


def _entry(builder: str, options: Mapping) -> Architecture:
    """Return the catalogue's entry with all its options, or one for a builder of somebody's own."""
    if ":" in builder:
        return Architecture(builder, options=dict(options))
    if builder not in CATALOGUE:
        raise GradflowError(
            f"{builder!r} is neither package.module:function nor path/to/file.py:function, nor an architecture of "
            f"ours: {', '.join(CATALOGUE)}."
        )
    entry = CATALOGUE[builder]
    return Architecture(entry.builder, plan=entry.plan, options=resolve_options(builder, entry, options))


def _given(build, builder: str, settings: Mapping, size: Sequence[int] | None) -> dict:
    """Return what a builder asks for by name beside its options: what an input says, and what it has no default for.

    Raises GradflowError if it cannot be called with that.
    """
    try:
        signature = inspect.signature(build)
    except (TypeError, ValueError):  # written in C
        return {}
    image = {"channels": size[0], "image_size": size[-1]} if size and len(size) == 3 else {}
    needed = {"classes": CLASSES, "num_classes": CLASSES, "channels": 3}
    asked = {}
    for name, parameter in signature.parameters.items():
        if name in settings or parameter.kind is parameter.POSITIONAL_ONLY:
            continue
        if name in image:
            asked[name] = image[name]
        elif name in needed and parameter.default is parameter.empty:
            asked[name] = needed[name]
    try:
        signature.bind(**settings, **asked)
    except TypeError as error:
        raise GradflowError(
            f"{builder} cannot be called ({error}): give its options as --options NAME=VALUE; channels and image_size "
            "follow from --input."
        ) from None
    return asked


def _columns(model: nn.Module, size: Sequence[int] | None) -> Columns:
    lazy = [name for name, parameter in model.named_parameters() if is_lazy(parameter)]
    if lazy:
        raise GradflowError(
            f"{lazy[0]} has no shape before the network's first input: let its builder pass one through it."
        )
    recorder, beside = GradientRecorder(model), []
    if size:
        with recorder:
            beside = beside_main_path(model, torch.zeros(BATCH, *size))
    modules, watched = dict(model.named_modules()), select_layers(model, None)
    recorded = [
        Column(
            layer.name,
            layer.kind,
            tuple(weight_shape(watched[layer.name])),
            layer.weight_numel,
            layer.fan_in,
            _main_path_word(layer.depth, layer.name in beside) if size else "",
        )
        for layer in recorder.table
    ]
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return Columns(recorded, _unrecorded(modules, [watched[name] for name in recorder.layers]), parameters)


def _main_path_word(depth: int, beside: bool) -> str:
    return NO_GRADIENT if depth < 0 else BESIDE if beside else MAIN


def _unrecorded(modules: dict[str, nn.Module], recorded: Sequence[Watched]) -> list[Unrecorded]:
    """Return the modules with parameters of their own of which nothing is recorded."""
    seen = {id(part) for watched in recorded for part in watched.module.modules()}
    found = []
    for name, module in modules.items():
        own = sum(parameter.numel() for parameter in module.parameters(recurse=False))
        if own and id(module) not in seen:
            found.append(Unrecorded(name, type(module).__name__, own, NO_MATRIX))
    return found


def column_lines(rows: Iterable[Sequence[str]]) -> list[str]:
    """Align rows under their heads, numbers to the right."""
    rows = [[printable(cell) for cell in row] for row in rows]
    rows.insert(0, list(HEADS[: len(rows[0])]))
    widths = [max(map(len, column)) for column in zip(*rows)]
    sides = [str.rjust if head in ("weights", "fan-in") else str.ljust for head in HEADS]
    return ["  ".join(side(*cell) for side, cell in zip(sides, zip(row, widths))).rstrip() for row in rows]


def unrecorded_lines(modules: Iterable) -> list[str]:
    """Say what is not recorded, one line for each kind of module."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for module in modules:
        kinds.setdefault((module.kind, module.reason), []).append(module.name or "the network itself")
    lines = []
    for (kind, reason), names in kinds.items():
        shown = ", ".join(names[:NAMES_SHOWN]) + ", ..." * (len(names) > NAMES_SHOWN)
        lines.append(printable(f"not recorded: {len(names)} {kind} ({shown}): {reason}."))
    return lines
