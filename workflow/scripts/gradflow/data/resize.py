"""Resizing batches of images to the very pixels that PIL's antialiased bilinear `Resize` gives, on any device."""

import math
from functools import cache
from itertools import accumulate

import torch

BITS = 22  # of PIL's fixed-point weights for 8-bit images (Pillow, src/libImaging/Resample.c)
CACHED = 4  # images at a time on a CPU: what they pass through stays in its cache


def resize(pixels: torch.Tensor, side: int) -> torch.Tensor:
    """Resize uint8 images [B, C, H, W] to [B, C, side, side], as seeds 000 to 002 do with torchvision's `Resize`.

    Equal to PIL, pixel for pixel: the same integers in the same order. That holds for images that are square or no
    larger than `side`, as all stored ones are (recent Pillows turn the order of the passes for tall images that
    shrink). torch's own uint8 kernel has weights of fewer bits and rounds ties another way, so that from 64 to 224
    pixels one pixel in fourteen differs, and it does not run on a GPU.
    """
    height, width = pixels.shape[-2:]
    if (height, width) == (side, side):
        return pixels
    out = torch.empty(*pixels.shape[:2], side, side, dtype=torch.uint8, device=pixels.device)
    chunk = CACHED if pixels.device.type == "cpu" else len(pixels)
    across, down = weights(width, side, pixels.device), weights(height, side, pixels.device)
    for start in range(0, len(pixels), max(1, chunk)):
        # Both passes gather whole rows, so the first works on the transpose.
        turned = pixels[start : start + chunk].int().transpose(-1, -2).contiguous()
        rows = _pass(turned, *across).transpose(-1, -2).contiguous()
        out[start : start + chunk] = _pass(rows, *down)
    return out


@cache
def weights(length: int, side: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return which inputs each output weighs, int64 [side, taps], and PIL's weights, int32 [side, taps] in 2^-22.

    From `length` pixels to `side`, each output weighs the inputs under a triangle as wide as the scale and never
    narrower than two pixels; weights are normalised, then rounded (precompute_coeffs, normalize_coeffs_8bpc).
    """
    scale = length / side
    support = max(scale, 1.0)
    rows = []
    for out in range(side):
        center = (out + 0.5) * scale
        first, last = max(0, int(center - support + 0.5)), min(length, int(center + support + 0.5))
        triangle = {i: max(0.0, 1.0 - abs((i - center + 0.5) * (1.0 / support))) for i in range(first, last)}
        *_, total = accumulate(triangle.values())  # in PIL's order; the built-in sum is more exact than that
        rows.append({i: math.floor(w / total * 2**BITS + 0.5) for i, w in triangle.items() if w})
    taps = max(map(len, rows))
    inputs, table = torch.zeros(side, taps, dtype=torch.int64), torch.zeros(side, taps, dtype=torch.int32)
    for out, row in enumerate(rows):
        inputs[out, : len(row)], table[out, : len(row)] = torch.tensor(list(row)), torch.tensor(list(row.values()))
    return inputs.to(device), table.to(device)


def _pass(pixels: torch.Tensor, inputs: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Weigh the rows of int32 [..., length, N] into [..., side, N], rounded half up as PIL's shift does."""
    sums = pixels.index_select(-2, inputs[:, 0]).mul_(table[:, 0, None])
    for tap in range(1, table.shape[1]):
        sums.addcmul_(pixels.index_select(-2, inputs[:, tap]), table[:, tap, None])
    return sums.add_(1 << (BITS - 1)).bitwise_right_shift_(BITS)
