"""Whether the weight gradients are still what a backward pass left: identity, version, and values where need be."""

from collections.abc import Iterable, Mapping

import torch
from torch import nn

from gradflow.recorder.norms import Norm, hypotenuse, l2_norm, l2_norms
from gradflow.recorder.passes import Held
from gradflow.recorder.weights import EffectiveWeight, Token, Weight

FEW = 2**12  # elements of a bias or a norm layer, which are joined to be summed at once


class Standing:
    """Looks at the gradients of the parameters behind each recorded weight: its own, or those it is computed from.

    A layer without anything to train goes by the gradients of all of the model.
    """

    def __init__(self, model: nn.Module, weights: Mapping[str, Weight]):
        self._weights = weights
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        own = {id(parameter) for weight in weights.values() for parameter in weight.trained}
        self._others = [parameter for parameter in model.parameters() if id(parameter) not in own]
        firsts = {weight.state[0]: name for name, weight in reversed(weights.items())}
        self._distinct = set(firsts.values())  # a parameter of two modules counts once
        self._carriers = [(name, weight.trained or trained) for name, weight in weights.items()]
        self._bare = {name for name, weight in weights.items() if not weight.trained}
        self._as_it_was = self._state()
        self.computed = {name: weight for name, weight in weights.items() if isinstance(weight, EffectiveWeight)}
        self.tells_nothing = not trained
        self._smallest: str | None = None  # a layer whose gradient is not zero and quickly looked at

    def is_current(self) -> bool:
        """Tell whether the weights are the same parameters still, and the same of them are trained."""
        return self._as_it_was == self._state()

    def tokens(self) -> dict[str, Token]:
        """Return for each layer what changes whenever something is done to its gradient; None if it has none."""
        found = {}
        for name, carriers in self._carriers:
            if len(carriers) == 1:
                gradient = carriers[0].grad
                found[name] = None if gradient is None else (id(gradient), gradient._version)
            else:
                marks = [(id(p.grad), p.grad._version) for p in carriers if p.grad is not None]
                found[name] = tuple(marks) or None
        return found

    def norms(self, names: Iterable[str], scale: Norm | None) -> dict[str, tuple[Norm | None, Norm | None]]:
        """Return the norm of what stands behind a weight, and ‖∂L/∂W‖ without the loss scale; None for no weight's."""
        carriers = {name: self._gradients(name) for name in names if name not in self._bare}
        single = [name for name, gradients in carriers.items() if len(gradients) == 1 and name not in self.computed]
        raw = dict(zip(single, l2_norms([carriers[name][0] for name in single])))
        found = {}
        for name in names:
            if name in raw:
                found[name] = raw[name], raw[name] if scale is None else raw[name] / scale
                continue
            behind = hypotenuse(*l2_norms(carriers[name])) if carriers.get(name) else None
            gradient = self._weights[name].gradient if name in carriers else None
            norm = None if gradient is None else l2_norm(gradient)
            found[name] = behind, norm if scale is None or norm is None else norm / scale
        telling = [name for name in raw if isinstance(raw[name], float) and raw[name] > 0]
        self._smallest = min(telling, key=lambda name: carriers[name][0].numel(), default=None)
        return found

    def total(self, held: Mapping[str, Held]) -> Norm:
        """Return the norm of all gradients of the model together, of which those of the recorded weights are known."""
        known = [one.raw for name, one in held.items() if one.raw is not None and name in self._distinct]
        others = [p.grad for p in self._others if p.grad is not None]
        if all(other.numel() <= FEW and other.is_cpu and other.layout is torch.strided for other in others):
            others = [torch.cat([other.reshape(-1) for other in others])] if others else []
        return hypotenuse(0.0, *known, *l2_norms(others))

    def not_zero(self, names: Iterable[str]) -> set[str]:
        """Return the layers whose gradients hold something; elsewhere than on the CPU this waits for the device."""
        return {name for name, norm in self._numbers(names).items() if norm}

    def compare(self, held: Mapping[str, Held], tokens: Mapping[str, Token], wait: bool = True) -> tuple[list, list]:
        """Return the layers whose gradients were zeroed since, and those whose gradients were changed otherwise.

        wait: whether to wait for a device where the gradients are still there, but something was done to them.
        """
        zeroed = [name for name, was in held.items() if was.token is not None and tokens[name] is None]
        touched = [name for name, was in held.items() if tokens[name] is not None and tokens[name] != was.token]
        if not touched and self._smallest in held and self._smallest not in zeroed:
            touched = self._touched_in_silence(held, zeroed)
        on_host = all(held[name].raw is None or isinstance(held[name].raw, float) for name in touched)
        if not touched or not (wait or on_host):
            return zeroed, []
        changed = []
        for name, norm in self._numbers(touched).items():
            before = held[name].raw
            if norm == 0 and (wait or before is None or float(before) != 0):  # before a row, clipping leaves 0 as it is
                zeroed.append(name)
            elif before is not None and norm != float(before):
                changed.append(name)
        return zeroed, changed

    def _touched_in_silence(self, held: Mapping[str, Held], zeroed: list[str]) -> list[str]:
        """Return all layers if a gradient was zeroed through .data, which leaves no trace but the values."""
        if any(l2_norms(self._gradients(self._smallest))):
            return []
        return [name for name in held if name not in zeroed]

    def _state(self) -> list[tuple[int, bool]]:
        return [weight.state for weight in self._weights.values()]

    def _gradients(self, name: str) -> list[torch.Tensor]:
        weight = self._weights[name]
        return [parameter.grad for parameter in weight.trained if parameter.grad is not None]

    def _numbers(self, names: Iterable[str]) -> dict[str, float]:
        """Return the norms of what stands behind the weights as numbers, waiting for a device once at most."""
        carriers = dict(self._carriers)
        grads = {name: [p.grad for p in carriers[name] if p.grad is not None] for name in names}
        norms = {name: hypotenuse(0.0, *l2_norms(there)) for name, there in grads.items()}
        waiting = [norm for norm in norms.values() if not isinstance(norm, float)]
        read = iter(torch.stack(waiting).tolist() if waiting else ())
        return {name: norm if isinstance(norm, float) else next(read) for name, norm in norms.items()}
