"""The batch size of a forward pass, from the model's inputs; a question where they do not tell it."""

import math
from itertools import accumulate
from operator import mul

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

from gradflow.recorder.nested import tensors_in
from gradflow.recorder.refusals import BatchSizeError


def batch_size_of(
    args: tuple, kwargs: dict, output, time_first: bool, dim: int | None
) -> tuple[int, BatchSizeError | None]:
    """Return the samples of a forward pass, 0 if they cannot be told, and what to raise if they are doubtful.

    time_first: whether the model has a recurrent or attention layer whose batch is the second dimension. dim: the
    dimension of the first input that counts the samples, if the caller says so.
    """
    packed = next((value for value in args if isinstance(value, PackedSequence)), None)
    if packed is not None:
        return int(packed.batch_sizes[0]), None
    inputs = [tensor for tensor in tensors_in((args, kwargs)) if tensor.dim()]
    if not inputs:
        return 0, _no_batch()
    first = inputs[0]
    if dim is not None:
        return (first.shape[dim], None) if first.dim() > dim else (0, _no_batch())
    return first.shape[0], _doubt(first, inputs[1:], args, output, time_first)


def puts_time_first(model: nn.Module) -> bool:
    """Tell whether the model has a recurrent or attention layer whose batch is the second dimension."""
    kinds = (nn.RNNBase, nn.MultiheadAttention)
    return any(isinstance(module, kinds) and not module.batch_first for module in model.modules())


def _doubt(
    first: torch.Tensor, others: list[torch.Tensor], args: tuple, output, time_first: bool
) -> BatchSizeError | None:
    shape = list(first.shape)
    if args and isinstance(args[0], list | tuple):
        return BatchSizeError("cannot tell the batch size from a list of tensors")
    if time_first and (first.dim() == 3 or (first.dim() == 2 and not first.is_floating_point())):
        return BatchSizeError(
            f"cannot tell which dimension of the input {shape} is the batch, as the model has a layer with time first"
        )
    if shape[0] == 2 and not first.is_floating_point() and any(len(other) != 2 for other in others):
        return BatchSizeError(f"cannot tell the batch size from {shape}, which looks like the edges of a graph")
    result = next((tensor for tensor in tensors_in(output) if tensor.dim()), None)
    if result is not None and result.shape[0] not in accumulate(shape, mul) and result.numel() != math.prod(shape):
        return BatchSizeError(
            f"cannot tell which dimension is the batch, as the model turns {shape} into {list(result.shape)}"
        )
    return None


def _no_batch() -> BatchSizeError:
    return BatchSizeError("cannot tell the batch size from the model's inputs")
