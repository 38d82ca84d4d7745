"""‖ΔW‖ from an optimizer's own state, where it says what a comparison of the weights would: no copy is then needed."""

import math
from collections.abc import Mapping

import torch

from gradflow.recorder.norms import Norm, l2_norm
from gradflow.recorder.weights import EffectiveWeight, Weight

# Adding ΔW to W rounds it to W's grid of 6e-8: above this ‖ΔW‖/‖W‖ the norm of what was added is right to 2e-5
FAITHFUL = 1e-5
SURE = 10 * FAITHFUL  # a step with less may come out below


class OptimizerSteps:
    """Knows what one step of an optimizer adds to each recorded weight.

    It does so for `torch.optim.SGD` with momentum, or without momentum and weight decay; Nesterov's momentum adds
    another vector than the state holds, and Adam's is dearer to compute than a copy.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, weights: Mapping[str, Weight]):
        self.optimizer, self._weights = optimizer, weights
        self._rates: dict[str, float] = {}  # of the last step

    def tells(self, ratios: Mapping[str, float]) -> bool:
        """Tell whether the next step's ‖ΔW‖ will be known from it, given the last step's ‖ΔW‖/‖W‖."""
        if type(self.optimizer) is not torch.optim.SGD or any(
            isinstance(weight, EffectiveWeight) for weight in self._weights.values()
        ):
            return False
        groups = self._groups()
        trained = [name for name, weight in self._weights.items() if weight.trained]
        if not all(name in groups and _is_plain(groups[name]) for name in trained):
            return False
        rates = {name: float(groups[name]["lr"]) for name in trained}
        return all(ratios.get(n, 0.0) * rates[n] >= SURE * self._rates.get(n, math.inf) > 0 for n in trained)

    def changes(self, norms: Mapping[str, Norm]) -> dict[str, Norm]:
        """Return ‖ΔW‖ of the step that was just made; NaN where rounding would be seen. norms: ‖W‖ before it."""
        found = {}
        for name, group in self._groups().items():
            self._rates[name] = float(group["lr"])
            parameter = self._weights[name].value
            added = math.nan if parameter.grad is None else l2_norm(parameter.grad)
            if group["momentum"]:
                buffer = self.optimizer.state[parameter].get("momentum_buffer")
                added = math.nan if buffer is None else l2_norm(buffer)
            change = self._rates[name] * added
            lost = isinstance(change, float) and 0 < change < FAITHFUL * norms[name]
            found[name] = math.nan if lost else change
        return {name: found.get(name, 0.0) for name in self._weights}

    def note_rates(self) -> None:
        """Note the learning rates of a step whose ‖ΔW‖ comes from a copy."""
        self._rates = {name: float(group["lr"]) for name, group in self._groups().items()}

    def _groups(self) -> dict[str, dict]:
        names = {id(weight.value): name for name, weight in self._weights.items() if weight.trained}
        return {
            names[id(parameter)]: group
            for group in self.optimizer.param_groups
            for parameter in group["params"]
            if id(parameter) in names
        }


def _is_plain(group: Mapping) -> bool:
    odd = group["nesterov"] or group["fused"] or group["differentiable"]
    return not odd and bool(group["momentum"] or not group["weight_decay"])
