"""A step under way: what was caught of its gradients, layer by layer, until it is a row."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from gradflow.errors import GradflowError
from gradflow.recorder.norms import count_nonfinite, l2_norm
from gradflow.recorder.weight_updates import WeightChanges

MEASURED = ("grad_output_norm", "weight_grad_norm", "weight_norm", "weight_change", "nonfinite")  # a row's first part


@dataclass
class Use:
    """One use of a layer in a forward pass, and the number of the step in which its gradient was caught."""

    layer: str
    forward_pass: object
    batch_size: int
    caught_in: int = -1


class Step:
    """What one step has caught so far.

    number: how many steps came before. modules: the layers by name. requested: what is measured on request, by name, of
    a layer's gradient and module. scaler: the `torch.amp.GradScaler`, if there is one. `weight_norms` are those of the
    weights that the forward pass used, None before it.
    """

    def __init__(self, number: int, modules: dict[str, nn.Module], requested: dict[str, Callable], scaler):
        self.number, self._modules, self._requested, self._scaler = number, modules, requested, scaler
        self.caught: dict[str, torch.Tensor] = {}  # the norm of ∂L/∂z, by layer
        self.weight_norms: dict[str, torch.Tensor] | None = None
        self._nonfinite: dict[str, torch.Tensor] = {}
        self._measured: dict[str, dict[str, torch.Tensor]] = {name: {} for name in requested}  # by layer
        self._samples: dict[object, int] = {}  # by forward pass, counted when its gradient arrives
        self._output_numel = dict.fromkeys(modules, 0)

    @property
    def samples(self) -> int:
        """The samples of all passes whose gradient arrived; 0 if the model's inputs do not tell."""
        return sum(self._samples.values())

    def sample_numel(self, batch_size: int) -> list[int]:
        """Return the output elements per sample of each layer."""
        return [self._output_numel[name] // batch_size for name in self._modules]

    def catch(self, use: Use, gradient: torch.Tensor) -> None:
        """Take in the gradient of a layer's output. Raises GradflowError if its norm could not be told from it."""
        if use.caught_in == self.number:
            raise GradflowError(
                "GradientRecorder met two backward passes through one forward pass in one step, whose norms do not add "
                "up: add the losses and call backward() once."
            )
        use.caught_in = self.number
        if gradient.dtype == torch.float16 and self._scaler is None:
            raise GradflowError(
                "GradientRecorder met float16 gradients, which a GradScaler multiplies by a scale it was not told: "
                "pass scaler=..., or train in bfloat16 or float32."
            )
        gradient = gradient.detach()
        norm = l2_norm(gradient)
        count = count_nonfinite(gradient, norm)
        if self._scaler is not None:
            norm = norm / self._scaler.scale(torch.ones_like(norm))
        name = use.layer
        self.caught[name] = torch.hypot(self.caught[name], norm) if name in self.caught else norm
        if count is not None:
            self._nonfinite[name] = self._nonfinite.get(name, 0) + count
        self._measure(name, gradient)
        self._output_numel[name] += gradient.numel()
        self._samples[use.forward_pass] = use.batch_size

    def _measure(self, layer: str, gradient: torch.Tensor) -> None:
        """Measure what was requested of a layer's gradient; over the layer's uses in a step it is added up."""
        if self._requested and self._scaler is not None:
            gradient = gradient.float() / self._scaler.scale(torch.ones((), device=gradient.device))
        for name, measure in self._requested.items():
            values = self._measured[name]
            values[layer] = values.get(layer, 0) + measure(gradient, self._modules[layer]).detach().float()

    def row(self, weights: WeightChanges) -> torch.Tensor:
        """Return the measurements as [MEASURED and what is requested, layers]; the weight change follows later.

        Raises GradflowError if a layer that took part has no weight gradient.
        """
        device = next(iter(self.caught.values())).device
        zero = torch.zeros((), device=device)
        weight_gradients = weights.gradient_norms()
        gone = [name for name in weights.trainable() if name in self.caught and name not in weight_gradients]
        if gone:
            raise GradflowError(
                f"GradientRecorder.step() found no weight gradient in {gone[0]!r}: call it after loss.backward() and "
                "before zero_grad()."
            )
        if self._scaler is not None:
            scale = self._scaler.scale(torch.ones_like(zero))
            weight_gradients = {name: norm / scale for name, norm in weight_gradients.items()}
        used = {name: norm for name, norm in weight_gradients.items() if name in self.caught}
        nonfinite = {name: self._nonfinite.get(name, zero) for name in self._modules}
        measured = (self.caught, used, self.weight_norms, {}, nonfinite, *self._measured.values())
        return torch.stack([in_columns(self._modules, values, zero) for values in measured])


def in_columns(names, values: dict[str, torch.Tensor], like: torch.Tensor) -> torch.Tensor:
    """Put 0-d values by name in one tensor [names] on the device of `like`; NaN where a name has none."""
    missing = torch.full((), math.nan, device=like.device)
    return torch.stack([values.get(name, missing) for name in names])
