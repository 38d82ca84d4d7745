"""L2 norms that stay exact where torch's float32 reduction drifts or underflows.

On the CPU, where reading a value costs nothing, a norm is a number; elsewhere it is a 0-d tensor on its device, which
nothing waits for.
"""

import math
from collections.abc import Iterable

import torch
from torch.linalg import vector_norm

Norm = float | torch.Tensor

# Between these mean squares no float32 square that matters underflows or overflows: an element whose square is
# subnormal (below about 1e-19) then adds less than 1e-8 of the sum.
LOW, HIGH = 1e-30, 1e30
SHORT = 2**13  # elements that one float32 dot product sums exactly to 1e-6, whatever they are
BLOCK = 2**16  # elements that it sums exactly to 5e-6, and that stay in a core's cache
CAST = 2**19  # elements of another type that are cast at a time
PLAIN = (torch.Tensor, torch.nn.Parameter)  # and not shards of one
ROW = 2**12  # elements that one float32 reduction sums


def l2_norm(tensor: torch.Tensor) -> Norm:
    """Return the L2 norm of all elements; a tensor that holds NaN or Inf has a norm of NaN or Inf.

    Rows are summed first and their sums second: one float32 pass over 103 million elements reads 1.1 % low, rows stay
    within 1e-6 of float64. A gradient of 1e-25 is not squared to zero: on the CPU what lies outside `LOW` and
    `HIGH` is summed in float64, scaled by its largest magnitude, as every tensor is on other devices. Complex elements
    count with their magnitudes, those that a sparse tensor does not hold as zeros.
    """
    if tensor.dtype is torch.float32 and tensor.is_cpu and _is_dense(tensor):
        size = tensor.numel()
        if size <= SHORT:  # the shortest way
            rows = tensor.view(-1)
        elif size % ROW == 0 and size <= BLOCK * ROW:
            rows = vector_norm(tensor.view(-1, ROW), dim=1)
        else:
            return _host_norm(tensor)
        square = torch.dot(rows, rows).item()
        if LOW * size < square < HIGH * size:
            return math.sqrt(square)
    elif hasattr(tensor, "full_tensor"):  # sharded over processes: of the whole
        norm = vector_norm(tensor.double()).full_tensor()
        return norm.item() if norm.is_cpu else norm
    if tensor.layout is not torch.strided:
        tensor = _values(tensor)
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj())
    return _host_norm(tensor) if tensor.is_cpu else _device_norm(tensor)


def l2_norms(tensors: Iterable[torch.Tensor]) -> list[Norm]:
    """Return `l2_norm` of each tensor, to 5e-6 instead of 1e-6, as cheaply as it can be for many small ones."""
    norms, dot, root = [], torch.dot, math.sqrt
    for tensor in tensors:
        size = tensor.numel()
        if size <= BLOCK and tensor.dtype is torch.float32 and tensor.is_cpu and _is_dense(tensor):
            flat = tensor.view(-1)
            square = dot(flat, flat).item()
            if LOW * size < square < HIGH * size:
                norms.append(root(square))
                continue
        norms.append(l2_norm(tensor))
    return norms


def count_nonfinite(tensor: torch.Tensor, norm: Norm) -> Norm | None:
    """Return how many elements are NaN or Inf; None where `norm`, seen for free on the CPU, says none."""
    if isinstance(norm, float):
        return None if math.isfinite(norm) else float(tensor.isfinite().logical_not().sum())
    return tensor.isfinite().logical_not().sum().double()


def hypotenuse(*norms: Norm) -> Norm:
    """Return the norm of a vector made of parts with these norms."""
    if all(isinstance(norm, float) for norm in norms):
        return math.hypot(*norms)
    device = next(norm.device for norm in norms if isinstance(norm, torch.Tensor))
    return vector_norm(torch.stack([torch.as_tensor(norm, device=device) for norm in norms]))


def norm_over_shards(sharded: torch.Tensor, norm: Norm) -> Norm:
    """Return the norm of a whole tensor from that of this process's shard; every process has to call it."""
    square = torch.as_tensor(norm, dtype=torch.float64, device=sharded.device).square()
    for dimension, placement in enumerate(sharded.placements):
        if placement.is_shard():
            torch.distributed.all_reduce(square, group=sharded.device_mesh.get_group(dimension))
    return square.sqrt().item() if square.is_cpu else square.sqrt()


def in_memory_order(tensor: torch.Tensor) -> torch.Tensor:
    """Flatten without copying, whatever the memory layout, unless it has gaps; a norm does not mind the order."""
    if tensor.is_contiguous():
        return tensor.view(-1)
    order = sorted(range(tensor.dim()), key=tensor.stride, reverse=True)
    return tensor.permute(order).reshape(-1)


def _is_dense(tensor: torch.Tensor) -> bool:
    return type(tensor) in PLAIN and tensor.layout is torch.strided and tensor.is_contiguous()


def _values(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.coalesce().values() if tensor.layout is torch.sparse_coo else tensor.values()


def _host_norm(tensor: torch.Tensor) -> float:
    flat = in_memory_order(tensor)
    size = flat.numel()
    square = _sum_of_squares(flat)
    return math.sqrt(square) if LOW * size < square < HIGH * size else _scaled_norm(flat, square)


def _sum_of_squares(flat: torch.Tensor) -> float:
    if flat.dtype is not torch.float32 and flat.dtype is not torch.float64:
        return sum(_sum_of_squares(block.float()) for block in flat.split(CAST))
    size = flat.numel()
    whole, square = size - size % ROW, 0.0
    if whole:
        rows = vector_norm(flat[:whole].view(-1, ROW), dim=1).double()
        square = torch.dot(rows, rows).item()
    rest = flat[whole:]
    return square + (torch.dot(rest, rest).item() if whole < size else 0.0)


def _scaled_norm(flat: torch.Tensor, square: float) -> float:
    if square == 0 and not flat.any():
        return 0.0
    wide = flat.double()
    peak = wide.abs().max().item()
    if not math.isfinite(peak):
        return math.nan if math.isnan(peak) else math.inf
    return vector_norm(wide / peak).item() * peak if peak else 0.0


def _device_norm(tensor: torch.Tensor) -> torch.Tensor:
    tensor = tensor if tensor.dtype is torch.float64 else tensor.float()
    peak = vector_norm(tensor, ord=float("inf"))
    scale = torch.where((peak > 0) & peak.isfinite(), peak, torch.ones_like(peak))
    norm = two_level_norm(tensor / scale)
    return norm * scale if tensor.device.type == "mps" else norm.double() * scale.double()


def two_level_norm(tensor: torch.Tensor) -> torch.Tensor:
    """Return the L2 norm of a float32 or float64 tensor: of rows first, of their norms second."""
    rows = tensor.numel() // ROW
    if rows > 1:
        flat = in_memory_order(tensor)
        whole = vector_norm(flat[: rows * ROW].view(rows, ROW), dim=1)
        tensor = torch.cat([whole, vector_norm(flat[rows * ROW :])[None]])
    return vector_norm(tensor)
