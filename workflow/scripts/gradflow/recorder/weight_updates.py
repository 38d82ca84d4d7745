"""How much each weight changed between the forward passes of two steps."""

import torch
from torch import nn

from gradflow.recorder.norms import l2_norms


class WeightChanges:
    """Keeps a copy of the weights that a step's forward pass used, to compare with those of the next.

    The comparison is exact for any optimizer, and does not depend on when within a step the optimizer is called.
    """

    def __init__(self, modules: dict[str, nn.Module]):
        self._modules = {
            name: module
            for name, module in modules.items()
            if isinstance(getattr(module, "weight", None), nn.Parameter)
        }
        self._copies: list[torch.Tensor] = []

    @torch.no_grad()
    def remember(self) -> dict[str, torch.Tensor]:
        """Copy the weights as they are, and return their norms by layer."""
        if not self._copies:
            self._copies = [torch.empty_like(weight) for weight in self._weights()]
        if self._copies:
            torch._foreach_copy_(self._copies, self._weights())
        return dict(zip(self._modules, l2_norms(self._weights())))

    @torch.no_grad()
    def since(self, keep: bool = False) -> dict[str, torch.Tensor]:
        """Return ‖ΔW‖ by layer since `remember`; without `keep` the copies are used up, which spares an allocation."""
        if not self._copies:
            return {}
        if keep:
            return {n: l2_norms([new - old])[0] for n, new, old in zip(self._modules, self._weights(), self._copies)}
        torch._foreach_sub_(self._copies, self._weights())
        return dict(zip(self._modules, l2_norms(self._copies)))

    def gradient_norms(self) -> dict[str, torch.Tensor]:
        """Return the norm of each weight's gradient, for the weights that have one."""
        graded = {name: module.weight.grad for name, module in self._modules.items() if module.weight.grad is not None}
        return dict(zip(graded, l2_norms(list(graded.values()))))

    def trainable(self) -> list[str]:
        """Return the layers whose weight is trained."""
        return [name for name, module in self._modules.items() if module.weight.requires_grad]

    def state(self) -> list[torch.Tensor]:
        """Return the copies, empty if there are none."""
        return self._copies

    @torch.no_grad()
    def restore(self, copies: list[torch.Tensor]) -> None:
        """Take copies that `state` returned for modules of the same shapes, on any device."""
        self._copies = [torch.empty_like(weight).copy_(copy) for copy, weight in zip(copies, self._weights())]

    def release(self) -> None:
        """Release the copies."""
        self._copies = []

    def _weights(self) -> list[torch.Tensor]:
        return [module.weight for module in self._modules.values()]
