"""The tensors in what a module takes and returns."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

import torch


def tensors_in(values, depth: int = 8) -> Iterator[torch.Tensor]:
    """Yield the tensors in nested lists, tuples, mappings and data classes; nothing else is looked into."""
    if isinstance(values, torch.Tensor):
        yield values
    elif depth and (isinstance(values, list | tuple | Mapping) or is_dataclass(values)):
        if isinstance(values, Mapping):
            parts = list(values.values())
        else:
            parts = values if isinstance(values, list | tuple) else [getattr(values, f.name) for f in fields(values)]
        for part in parts:
            yield from tensors_in(part, depth - 1)
