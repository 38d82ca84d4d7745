"""The tensors in what a module takes and returns."""

from collections.abc import Iterable, Iterator

import torch


def tensors_in(values) -> Iterator[torch.Tensor]:
    """Yield the tensors in nested lists, tuples, dictionaries and data classes."""
    if isinstance(values, torch.Tensor):
        yield values
    elif isinstance(values, dict):
        yield from tensors_in(tuple(values.values()))
    elif isinstance(values, Iterable) and not isinstance(values, str | bytes):
        for value in values:
            yield from tensors_in(value)
    elif hasattr(values, "__dataclass_fields__"):
        yield from tensors_in(tuple(vars(values).values()))
