"""When the weights are looked at, and which row a change of theirs belongs to."""

import math
import weakref
from collections.abc import Callable, Mapping

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from gradflow.recorder.norms import Norm
from gradflow.recorder.optimizer_steps import OptimizerSteps
from gradflow.recorder.weight_updates import WeightChanges
from gradflow.recorder.weights import EffectiveWeight, Weight


class WeightUpdates:
    """Looks at the weights after a step's first forward pass: their norms, and what the step before did to them.

    A step begins when an optimizer that trains a recorded weight has stepped; where none of torch's does, when the
    gradients were taken away. store: called with {name: ‖ΔW‖} of the last row, more than once as it becomes known.
    """

    def __init__(
        self,
        weights: Mapping[str, Weight],
        store: Callable[[dict[str, Norm]], None],
        optimizer: torch.optim.Optimizer | None,
    ):
        self._weights, self._store = weights, store
        self._changes = WeightChanges(weights)
        self._steps = None if optimizer is None else OptimizerSteps(optimizer, weights)
        self.norms: dict[str, Norm] | None = None  # of the weights that the step's first forward pass used
        self.open = False  # whether the last row's change is still to come
        self.in_step = False  # whether a forward pass has run since the last step() or discard()
        self._stepped = self._optimizer_seen = False
        self._told = False  # whether the optimizer will tell of the coming change, and there is no copy
        self._known: dict[str, Norm] | None = None  # what it told
        self._ratios: dict[str, float] = {}  # ‖ΔW‖/‖W‖ of the last step
        self._handles: list = []

    def attach(self) -> None:
        """Hear of optimizers' steps from now on."""
        self._own = {id(p) for weight in self._weights.values() for p in weight.trained}
        before, after = weakref.WeakMethod(self._before_optimizer), weakref.WeakMethod(self._after_optimizer)
        hooks = (
            register_optimizer_step_pre_hook(lambda *event: (before() or _unheard)(*event)),
            register_optimizer_step_post_hook(lambda *event: (after() or _unheard)(*event)),
        )
        self._handles = [weakref.finalize(self, hook.remove) for hook in hooks]  # also where nobody leaves the block

    def detach(self) -> None:
        """Close the last row's change, and release the copies."""
        for handle in self._handles:
            handle()
        self.peek()
        self.open, self.norms, self.in_step = False, None, False
        self._changes.release()

    def look(self, gradients_stand: bool) -> None:
        """After a forward pass: look at the weights, if it is the first of a step or the last row is open."""
        self.in_step = True
        foreign = not self._optimizer_seen and not gradients_stand
        stepped = self._stepped and not gradients_stand  # or another optimizer's half of a step
        if not (self.norms is None or self.open or stepped or foreign):
            return
        changes = self._told_changes() if self._told else None
        before, told = self.norms, self._told
        self._told = self._steps is not None and self._steps.tells(self._ratios)
        if told or self._told:
            self.norms, copied = self._changes.norms(), {}
            if not self._told:
                self._changes.take(compare=False)
            elif not told:
                copied = self._changes.since()
        else:
            self.norms, copied = self._changes.take(compare=self.open)
        changes = copied if changes is None else changes
        if self.open and changes:
            self._store(changes)
            self.open = not (self._stepped or self._any_change(changes))
        if self._steps is not None and before and changes and self._stepped:
            self._ratios = {name: float(changes[name] / before[name]) for name in changes if before.get(name)}
        self._stepped, self._known = False, None

    def peek(self) -> None:
        """Store the last row's change as it is now, if it is still open."""
        if self.open:
            changes = self._told_changes() if self._told else self._changes.since()
            stale = [n for n, weight in self._weights.items() if self._stepped and isinstance(weight, EffectiveWeight)]
            self._store(changes | dict.fromkeys(stale, math.nan))  # known when it is computed again

    def _told_changes(self) -> dict[str, Norm]:
        """Return what the optimizer told; nothing has changed if it has not stepped."""
        return self._known or dict.fromkeys(self._weights, 0.0)

    def end_row(self) -> None:
        """The step has become a row, whose change is to come."""
        self.open = True

    def state(self) -> dict:
        """Return what the coming rows depend on."""
        told = {"told": self._told, "known": self._known, "ratios": self._ratios, "norms": self.norms}
        return told | {"open": self.open, "stepped": self._stepped, "copies": self._changes.state()}

    def restore(self, state: dict) -> None:
        """Go on from what `state` returned."""
        self.open, self._stepped = state["open"], state["stepped"]
        self._told, self._known, self._ratios = state["told"], state["known"], state["ratios"]
        self.norms, self.in_step = state["norms"], False
        self._changes.restore(state["copies"])

    def _any_change(self, changes: dict[str, Norm]) -> bool:
        """Tell whether a weight has changed; only for an optimizer that is none of torch's this waits for a device."""
        known = [change for change in changes.values() if not self._optimizer_seen or isinstance(change, float)]
        return any(bool(change != 0) for change in known)

    def _before_optimizer(self, optimizer: torch.optim.Optimizer, args: tuple, kwargs: dict) -> None:
        self._optimizer_seen |= self._trains(optimizer)  # its closure may run the model

    def _after_optimizer(self, optimizer: torch.optim.Optimizer, args: tuple, kwargs: dict) -> None:
        if not self._trains(optimizer):
            return
        if self._steps is not None and self.norms is not None:
            if self._told and not self._stepped and optimizer is self._steps.optimizer:
                self._known = self._steps.changes(self.norms)
            elif self._told or optimizer is not self._steps.optimizer:  # not what alone changes the weights
                self._known = dict.fromkeys(self._weights, math.nan) if self._told else None
                self._steps = None
            else:
                self._steps.note_rates()
        self._stepped = True

    def _trains(self, optimizer: torch.optim.Optimizer) -> bool:
        parameters = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
        if not self._own & parameters:  # unless others are trained by now
            self._own = {id(p) for weight in self._weights.values() for p in weight.trained}
        return bool(self._own & parameters)


def _unheard(*event) -> None:
    """What an optimizer's step is to a recorder that is gone."""
