"""Changes to a network that people try when its gradient is not well: each makes a changed copy of any network."""

import copy
from collections import Counter
from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from gradflow.models.initialization import CONVOLUTIONS, initialize

SATURATING = (nn.Sigmoid, nn.Tanh, nn.Hardsigmoid, nn.Hardtanh, nn.Softsign, nn.LogSigmoid)
RECTIFYING = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish)
NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.LocalResponseNorm)
BATCH_NORMS = {nn.Conv1d: nn.BatchNorm1d, nn.Conv2d: nn.BatchNorm2d, nn.Conv3d: nn.BatchNorm3d}


class WithSkip(nn.Module):
    """A layer and the identity around it."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x + layer(x), both of one shape."""
        return x + self.layer(x)


class WithNorm(nn.Module):
    """A layer and a batch norm behind it, of a linear layer over whatever stands before its features."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer
        kind = next((norm for conv, norm in BATCH_NORMS.items() if isinstance(layer, conv)), None)
        self.norm = kind(layer.out_channels) if kind else nn.BatchNorm1d(layer.out_features)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the norm of layer(x), of its shape."""
        z = self.layer(x)
        return self.norm(z) if isinstance(self.layer, CONVOLUTIONS) else self.norm(z.flatten(0, -2)).view_as(z)


def changed_copies(model: nn.Module, last: str, residual: bool, seed: int) -> Iterator[tuple[str, Callable]]:
    """Yield each change that fits a network: its name, and a function that returns a changed copy.

    Parameters
    ----------
    model : it stays as it is.
    last : the name of its last layer, which no norm is put behind.
    residual : whether it has skip connections already.
    seed : the random seed of weights that are drawn anew.
    """
    drawn = sum(
        isinstance(module, (*CONVOLUTIONS, nn.Linear)) and not is_parametrized(module) for module in model.modules()
    )
    rest = sum(parameter.dim() > 1 for parameter in model.parameters()) - drawn
    of_some = f", of {drawn} of {drawn + rest} weights" if rest > 0 else ""
    for name, words in (("he", "He"), ("xavier", "Xavier"), ("orthogonal", "orthogonal")) if drawn else ():
        yield f"{words} initialisation{of_some}", lambda name=name: _initialised(model, name, seed)
    kind = _main_activation(model)
    if kind is not None:
        other = nn.ReLU if issubclass(kind, SATURATING) else nn.SELU
        where = lambda name, module: type(module) is kind  # noqa: E731
        yield f"{other.__name__} for {kind.__name__}", lambda: _replaced(model, where, lambda module: other())
    if not residual and any(_keeps_shape(name, module) for name, module in model.named_modules()):
        yield "skip connections", lambda: _replaced(model, _keeps_shape, WithSkip)
    takes = lambda name, module: name != last and isinstance(module, (*BATCH_NORMS, nn.Linear))  # noqa: E731
    normed = any(isinstance(module, NORMS) for module in model.modules())
    if not normed and any(takes(name, module) for name, module in model.named_modules()):
        yield "batch norm", lambda: _replaced(model, takes, WithNorm)  # in training mode, as it has seen nothing yet


def _initialised(model: nn.Module, name: str, seed: int) -> nn.Module:
    copied = copy.deepcopy(model)
    torch.manual_seed(seed)
    initialize(copied, name)
    return copied


def _replaced(model: nn.Module, where: Callable, by: Callable) -> nn.Module:
    """Return a copy of a network with those modules replaced that are asked for by name and module."""
    copied = copy.deepcopy(model)
    owners = dict(copied.named_modules(remove_duplicate=False))
    for name, module in list(owners.items()):
        if name and where(name, module):
            owner, _, own = name.rpartition(".")
            made = by(module)
            place = next(module.parameters(), next(copied.parameters()))
            setattr(owners[owner], own, made.to(place.device, place.dtype))
    return copied


def _main_activation(model: nn.Module) -> type | None:
    """Return the kind of activation that a network has most modules of; gates beside it are fewer."""
    kinds = Counter(type(module) for module in model.modules() if isinstance(module, SATURATING + RECTIFYING))
    return kinds.most_common(1)[0][0] if kinds else None


def _keeps_shape(name: str, module: nn.Module) -> bool:
    """Tell whether a layer's output has its input's shape."""
    if isinstance(module, nn.Linear):
        return module.in_features == module.out_features
    if type(module) not in BATCH_NORMS or module.in_channels != module.out_channels or {*module.stride} != {1}:
        return False
    reach = [dilation * (side - 1) for dilation, side in zip(module.dilation, module.kernel_size)]
    return module.padding == "same" or [2 * side for side in module.padding] == reach
