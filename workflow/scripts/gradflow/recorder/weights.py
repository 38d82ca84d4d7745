"""The weights of the recorded layers and their gradients, as they are now, whoever keeps them."""

from collections.abc import Iterable

import torch
from torch import nn

from gradflow.recorder.layers import Watched, is_parametrized

Token = tuple | None  # what changes whenever something is done to a gradient; None if there is none


class Weight:
    """A weight that is a parameter of its module."""

    def __init__(self, watched: Watched):
        self._parameters, self._name = watched.module._parameters, watched.parameter

    @property
    def value(self) -> torch.Tensor | None:
        """The weight; None for a layer without one."""
        return self._parameters.get(self._name)

    @property
    def gradient(self) -> torch.Tensor | None:
        """Its gradient, as the backward passes since the last zero_grad() have added it up."""
        value = self.value
        return None if value is None else value.grad

    @property
    def state(self) -> tuple[int, bool]:
        """Which parameter it is, and whether it is trained."""
        value = self._parameters.get(self._name)
        return (0, False) if value is None else (id(value), value.requires_grad)

    @property
    def trained(self) -> list[torch.Tensor]:
        """The parameters whose gradients tell what became of the weight's."""
        value = self.value
        return [value] if value is not None and value.requires_grad else []

    def settle(self, kept: bool) -> None:
        """Add what a backward pass brought to the gradient, or not: a parameter does it by itself."""

    def drop(self) -> None:
        """Forget the gradient: a parameter's is its owner's."""


class EffectiveWeight(Weight):
    """A weight that is computed from other parameters when it is used: weight norm, spectral norm, pruning.

    Its gradient is that of the computed weight; nothing is computed for it that the model does not compute.
    """

    def __init__(self, watched: Watched):
        super().__init__(watched)
        self._value = self._gradient = self._arrived = None
        self._originals = list(_originals(watched.module, watched.parameter))

    @property
    def value(self) -> torch.Tensor | None:
        """The weight that the last forward pass used."""
        return self._value

    @property
    def gradient(self) -> torch.Tensor | None:
        """The gradient of the weight that was used, added up as that of a parameter is."""
        return self._gradient

    @property
    def state(self) -> tuple[int, bool]:
        """Which weight it is, and whether any of what it is computed from is trained."""
        return id(self), any(original.requires_grad for original in self._originals)

    @property
    def trained(self) -> list[torch.Tensor]:
        """The parameters that the weight is computed from."""
        return [original for original in self._originals if original.requires_grad]

    def use(self, value: torch.Tensor) -> None:
        """Take the weight that a forward pass is using."""
        if not isinstance(value, torch.Tensor) or value is self._value:
            return
        self._value = value
        if value.requires_grad:
            value.register_hook(self._arrive)

    def settle(self, kept: bool) -> None:
        """Add what a backward pass brought to the gradient, or not."""
        if kept and self._arrived is not None:
            self._gradient = self._arrived if self._gradient is None else self._gradient + self._arrived
        self._arrived = None

    def drop(self) -> None:
        """Forget the gradient."""
        self._gradient = self._arrived = None

    def _arrive(self, gradient: torch.Tensor) -> None:
        gradient = gradient.detach()
        self._arrived = gradient if self._arrived is None else self._arrived + gradient


def weights_of(watched: Iterable[Watched]) -> dict[str, Weight]:
    """Return the weight of each recorded layer, by its name."""
    return {one.name: EffectiveWeight(one) if is_parametrized(one) else Weight(one) for one in watched}


def _originals(module: nn.Module, name: str) -> Iterable[torch.Tensor]:
    if "parametrizations" in module._modules and name in module.parametrizations:
        return module.parametrizations[name].parameters()
    return [p for key, p in module._parameters.items() if key.startswith(f"{name}_") and p is not None]
