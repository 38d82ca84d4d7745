"""L2 norms that stay exact where torch's float32 reduction drifts or underflows."""

import math

import torch
from torch.linalg import vector_norm

# Between these root mean squares no float32 square that matters underflows or overflows: an element whose square is
# subnormal (below about 1e-19) then adds less than 1e-8 of the sum.
SAFE_RMS = (1e-15, 1e15)
ROW = 2**12  # elements that one float32 pass reduces, exact to 1e-6


def l2_norm(tensor: torch.Tensor) -> torch.Tensor:
    """Return the L2 norm of all elements as a 0-d float32 tensor on the same device, without synchronising it.

    Rows are reduced first and their norms second: one float32 pass over 103 million elements reads 1.1 % low, the two
    levels stay within 1e-6 of float64. A gradient of 1e-25 is not squared to zero: on the CPU, where reading a
    value costs nothing, what is outside `SAFE_RMS` is summed in float64; on other devices every tensor is scaled by
    its largest magnitude. A tensor that holds NaN or Inf has a norm of NaN or Inf.
    """
    if tensor.device.type == "cpu":
        norm = _two_level_norm(tensor)
        return norm if _is_safe(norm.item(), tensor) else _float64_norm(tensor)
    peak = vector_norm(tensor.float(), ord=float("inf"))
    scale = torch.where((peak > 0) & peak.isfinite(), peak, torch.ones_like(peak))
    return _two_level_norm(tensor.float() / scale) * scale


def l2_norms(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """Return `l2_norm` of each tensor; on the CPU many small ones cost one call."""
    small = [i for i, t in enumerate(tensors) if _is_small(t)]
    together = torch._foreach_norm([tensors[i] for i in small], dtype=torch.float32) if small else []
    safe = {i: norm for i, norm in zip(small, together) if _is_safe(norm.item(), tensors[i])}
    return [safe[i] if i in safe else l2_norm(tensor) for i, tensor in enumerate(tensors)]


def count_nonfinite(tensor: torch.Tensor, norm: torch.Tensor) -> torch.Tensor | None:
    """Return how many elements are NaN or Inf, as a 0-d tensor; None where `norm`, seen for free, says none."""
    if tensor.device.type == "cpu" and math.isfinite(norm.item()):
        return None
    return tensor.isfinite().logical_not().sum().float()


def _is_small(tensor: torch.Tensor) -> bool:
    return tensor.numel() <= ROW and tensor.device.type == "cpu" and tensor.dtype != torch.float64


def _two_level_norm(tensor: torch.Tensor) -> torch.Tensor:
    dtype = tensor.dtype if tensor.dtype in (torch.float32, torch.float64) else torch.float32
    rows = tensor.numel() // ROW
    if rows > 1:
        flat = _in_memory_order(tensor)
        whole = vector_norm(flat[: rows * ROW].view(rows, ROW), dim=1, dtype=dtype)
        rest = vector_norm(flat[rows * ROW :], dtype=dtype)
        tensor = torch.cat([whole, rest[None]])
    return vector_norm(tensor, dtype=dtype).float()


def _in_memory_order(tensor: torch.Tensor) -> torch.Tensor:
    """Flatten without copying, whatever the memory layout; a norm does not mind the order."""
    order = sorted(range(tensor.dim()), key=tensor.stride, reverse=True)
    return tensor.permute(order).reshape(-1)


def _float64_norm(tensor: torch.Tensor) -> torch.Tensor:
    return vector_norm(tensor.double()).float()


def _is_safe(norm: float, tensor: torch.Tensor) -> bool:
    root = math.sqrt(tensor.numel())
    return SAFE_RMS[0] * root < norm < SAFE_RMS[1] * root
