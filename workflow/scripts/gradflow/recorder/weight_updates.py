"""How much each weight changed between the forward passes of two steps."""

import math
from collections.abc import Mapping

import torch
from torch import nn

from gradflow.recorder.norms import Norm, in_memory_order, l2_norm, l2_norms, norm_over_shards
from gradflow.recorder.weights import Weight

PACKED = 2**17  # weights of so many elements and fewer are joined and compared together
BLOCK = 2**17  # elements of a large weight that are read, compared and copied while they stay in the cache


class WeightChanges:
    """Keeps a copy of the weights that a step's forward pass used, to compare with those of the next.

    The comparison is exact for any optimizer, and does not depend on when within a step the optimizer is called. On the
    CPU each weight passes through the cache once: its norm, its change and the new copy are taken block by block.
    """

    def __init__(self, weights: Mapping[str, Weight]):
        self._weights = weights
        self._copies: dict[str, torch.Tensor] = {}  # flat, in the weight's memory order; the small ones in one buffer
        self._spare = torch.empty(0)
        self._packed: list[str] = []
        self._known: dict[str, tuple] = {}  # by layer: its weight, where that lies, and its flat view

    @torch.no_grad()
    def take(self, compare: bool) -> tuple[dict[str, Norm], dict[str, Norm]]:
        """Copy the weights as they are; return their norms and, if asked to compare, ‖ΔW‖ since the last copy."""
        flat = self._flat()
        if not self._same(flat):
            compare = False
            self._reserve(flat)
        norms, changes = {}, {}
        if self._packed:
            self._take_packed([flat.pop(name) for name in self._packed], compare, norms, changes)
        for name, new in flat.items():
            old = self._copies[name]
            if new.device.type == "cpu":
                norms[name], changes[name] = _take_in_blocks(new, old, compare)
            else:
                norms[name], changes[name] = l2_norm(new), l2_norm(new - old) if compare else 0.0
                old.copy_(new)
        return self._whole(norms), self._whole(changes) if compare else {}

    @torch.no_grad()
    def norms(self) -> dict[str, Norm]:
        """Return the norms of the weights, and copy nothing."""
        flat = self._flat()
        return self._whole(dict(zip(flat, l2_norms(list(flat.values())))))

    @torch.no_grad()
    def since(self) -> dict[str, Norm]:
        """Return ‖ΔW‖ by layer since the last copy, and keep that."""
        flat = self._flat()
        if not self._same(flat):
            return {}
        changes = {}
        for name, new in flat.items():
            blocks = zip(new.split(BLOCK), self._copies[name].split(BLOCK)) if new.device.type == "cpu" else ()
            norms = [l2_norm(_wide(block) - old) for block, old in blocks]
            changes[name] = math.hypot(*norms) if norms else l2_norm(new - self._copies[name])
        return self._whole(changes)

    def state(self) -> dict[str, torch.Tensor]:
        """Return the copies, flat; empty if there are none."""
        return {name: copy.clone() for name, copy in self._copies.items()}

    @torch.no_grad()
    def restore(self, copies: Mapping[str, torch.Tensor]) -> None:
        """Take copies that `state` returned for weights of the same sizes, on any device."""
        self._copies = {}
        if copies:
            self._reserve(self._flat())
            for name, copy in self._copies.items():
                copy.copy_(copies[name])

    def release(self) -> None:
        """Release the copies."""
        self._copies, self._packed, self._known = {}, [], {}
        self._spare = torch.empty(0)

    def _flat(self) -> dict[str, torch.Tensor]:
        flat = {}
        for name, weight in self._weights.items():
            value = weight.value
            if value is None:
                continue
            known = self._known.get(name)
            if known is None or known[0] is not value or known[1] != _pointer(value):
                local = _local(value.detach())
                if known is not None and known[3] != local.stride():
                    self._reorder(name, local, known[3])
                known = value, _pointer(value), in_memory_order(local), local.stride()
                if known[2].data_ptr() == local.data_ptr():  # a view; of a weight with gaps it is a copy
                    self._known[name] = known
            flat[name] = known[2]
        return flat

    def _reorder(self, name: str, weight: torch.Tensor, strides: tuple[int, ...]) -> None:
        """Put a copy in the memory order that the weight has now."""
        copy = self._copies.get(name)
        if copy is not None and len(strides) == weight.dim() and copy.numel() == weight.numel():
            was = copy.as_strided(weight.shape, strides, copy.storage_offset())
            copy.copy_(in_memory_order(torch.empty_like(weight, dtype=copy.dtype).copy_(was)))

    def _whole(self, norms: dict[str, Norm]) -> dict[str, Norm]:
        """Return norms of whole weights, where a process has a shard of each."""
        for name in norms:
            value = self._weights[name].value
            if type(value) is not nn.Parameter and hasattr(value, "full_tensor"):
                norms[name] = norm_over_shards(value, norms[name])
        return norms

    def _same(self, flat: dict[str, torch.Tensor]) -> bool:
        return (
            bool(flat)
            and flat.keys() == self._copies.keys()
            and all(
                flat[name].numel() == copy.numel()
                and flat[name].device == copy.device
                and _wide_dtype(flat[name]) == copy.dtype
                for name, copy in self._copies.items()
            )
        )

    def _reserve(self, flat: dict[str, torch.Tensor]) -> None:
        """Make room for copies; one buffer for the small ones."""
        small = [
            n for n, w in flat.items() if w.numel() <= PACKED and w.device.type == "cpu" and w.dtype is torch.float32
        ]
        buffer = torch.empty(sum(flat[name].numel() for name in small))
        self._spare = torch.empty_like(buffer)
        self._packed = small
        large = {name: weight for name, weight in flat.items() if name not in small}
        self._copies = {name: torch.empty_like(weight, dtype=_wide_dtype(weight)) for name, weight in large.items()}
        self._unpack(buffer, [flat[name].numel() for name in small])

    def _unpack(self, buffer: torch.Tensor, sizes: list[int]) -> None:
        self._buffer = buffer
        self._copies |= dict(zip(self._packed, buffer.split(sizes)))

    def _take_packed(self, new: list[torch.Tensor], compare: bool, norms: dict, changes: dict) -> None:
        sizes = [weight.numel() for weight in new]
        torch.cat(new, out=self._spare)
        norms |= zip(self._packed, l2_norms(self._spare.split(sizes)))
        if compare:
            changes |= zip(self._packed, l2_norms(self._buffer.sub_(self._spare).split(sizes)))
        spare, self._spare = self._spare, self._buffer
        self._unpack(spare, sizes)


def _take_in_blocks(new: torch.Tensor, old: torch.Tensor, compare: bool) -> tuple[float, float]:
    """Copy a weight in blocks; return its norm, and its distance to the copy that was there."""
    norms, changes = [], []
    for block, copy in zip(new.split(BLOCK), old.split(BLOCK)):
        block = _wide(block)
        norms.append(l2_norm(block))
        if compare:
            changes.append(l2_norm(copy.sub_(block)))
        copy.copy_(block)
    return math.hypot(*norms), math.hypot(*changes)


def _wide_dtype(weight: torch.Tensor) -> torch.dtype:
    return weight.dtype if weight.dtype.itemsize >= 4 else torch.float32


def _wide(block: torch.Tensor) -> torch.Tensor:
    return block if block.dtype.itemsize >= 4 else block.float()


def _local(value: torch.Tensor) -> torch.Tensor:
    return value.to_local() if hasattr(value, "to_local") else value


def _pointer(value: torch.Tensor) -> int:
    return _local(value).data_ptr() if type(value) is not nn.Parameter else value.data_ptr()
