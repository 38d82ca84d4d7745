"""What the weight gradients hold: the backward passes that went into them since they were last zeroed."""

import math
from collections.abc import Callable

import torch
from torch import nn

from gradflow.recorder import refusals
from gradflow.recorder.layers import Watched, is_parametrized
from gradflow.recorder.norms import Norm, count_nonfinite, l2_norm
from gradflow.recorder.passes import BackwardPass, ForwardPass, Held, Part, Use
from gradflow.recorder.refusals import BatchSizeError
from gradflow.recorder.scaling import running_scale, scale_of
from gradflow.recorder.standing import Standing
from gradflow.recorder.weights import Token, Weight


class Gradients:
    """Keeps, for every recorded layer, what its weight gradient holds.

    A backward pass counts if it added to the weight gradients, and until they are zeroed. requested: what is measured
    on request of a gradient and a module, by name. scaler: a GradScaler that does not tell of its scale by itself.
    before_pass: called when a backward pass begins.
    """

    def __init__(
        self, model: nn.Module, watched: dict[str, Watched], weights: dict[str, Weight], requested: dict, scaler
    ):
        self._watched, self._weights, self._requested, self._scaler = watched, weights, requested, scaler
        self._model = model
        self.held: dict[str, Held] = {}
        self.before_pass: Callable[[], None] = lambda: None
        self.total: Norm | None = None  # the norm of all gradients of the model together
        self.fresh = False  # whether a pass was added since the last row
        self.ran_without_output: set[str] = set()  # layers whose weight got a gradient, but no output of theirs did
        self._samples = 0
        self._open: dict[int, BackwardPass] = {}
        self._passing: BackwardPass | None = None
        self._reason = refusals.nothing
        self._places: dict[str, tuple] = {}  # where each module lies, and whether its weight was computed
        self.renew()

    def renew(self) -> None:
        """Look again at what there is to train in the model."""
        self._standing = Standing(self._model, self._weights)
        places = {id(child): (p._modules, key) for p in self._model.modules() for key, child in p._modules.items()}
        for name, watched in self._watched.items():
            self._places.setdefault(name, (*places.get(id(watched.module), ({}, "")), is_parametrized(watched)))

    def clear(self) -> None:
        """Forget all that was caught; gradients that stay where they are then count as unseen."""
        for weight in self._weights.values():
            weight.drop()
        self.held, self.fresh, self._reason = {}, False, refusals.nothing
        self._open.clear()
        self._passing = None

    def begin(self) -> BackwardPass:
        """Return the backward pass under way, which may just have begun."""
        task = torch._C._current_graph_task_id()
        passing = self._passing
        if passing is None or passing.task != task:
            passing = self._passing = self._open.get(task) or self._begin(task)
        return passing

    def catch(self, use: Use, gradient: torch.Tensor) -> None:
        """Take in the gradient of a layer's output, while a backward pass runs."""
        passing = self.begin()
        if use.caught_in is passing:  # of a view, and of what it is a view of
            return
        use.caught_in = passing
        if gradient.requires_grad:
            gradient = gradient.detach()
        norm = l2_norm(gradient)
        passing.caught.append((use, norm, gradient.numel()))
        count = count_nonfinite(gradient, norm)
        half = gradient.dtype is torch.float16 and passing.scale is None
        if count is not None or half or self._requested or use.measured:
            note = passing.notes.setdefault(use.layer, Part())
            note.nonfinite = note.nonfinite + (0 if count is None else count)
            note.unscaled |= half
            self._measure(note, use, gradient, passing.scale)

    def settle(self) -> None:
        """Between passes: what is still under way was broken off by an error, and what it left cannot be told."""
        if self._open and torch._C._current_graph_task_id() == -1:
            self.clear()

    def batch_size(self) -> tuple[int, BatchSizeError | None]:
        """Return the samples behind what the weight gradients hold, and the error to raise if they cannot be told."""
        question = next((held.question for held in self.held.values() if held.question), None)
        before = max(held.before for held in self.held.values())  # of what was zeroed last
        return self._samples - before, question

    def samples(self, batch_size: int) -> list[int]:
        """Return the samples behind each layer: more than the batch where a gradient was not zeroed with the others."""
        latest = max(held.before for held in self.held.values())
        befores = [latest if held is None else held.before for held in map(self.held.get, self._watched)]
        return [batch_size + latest - before for before in befores]

    def measured(self, at_step: dict[str, Callable], requested: tuple[str, ...]) -> list[list[Norm]]:
        """Return ‖∂L/∂z‖, ‖∂L/∂W‖, the non-finite elements and what is requested, [quantity][layers]; NaN for none.

        at_step: what is measured of the weight gradients as they stand now, of a gradient and a module, by name.
        """
        rows = [(self.held.get(name), name) for name in self._watched]
        found = [
            [math.nan if held is None or held.norm is None else held.norm for held, _ in rows],
            [math.nan if held is None or held.weight_grad is None else held.weight_grad for held, _ in rows],
            [0.0 if held is None else held.nonfinite for held, _ in rows],
        ]
        for key in requested:
            if key in at_step:
                found.append([self._at_step(at_step[key], name, held) for held, name in rows])
            else:
                found.append([math.nan if held is None else held.measured.get(key, math.nan) for held, _ in rows])
        return found

    def stand(self) -> bool:
        """Tell, without a look at their values, whether gradients caught since the last row are still there."""
        if not self.fresh:
            return False
        tokens = self._standing.tokens()
        return any(held.token is not None and held.token == tokens[name] for name, held in self.held.items())

    def check(self) -> None:
        """Raise GradflowError if what the weight gradients hold is not what was caught since the last row."""
        self.settle()
        if not self.fresh or not self.held:
            raise self._reason()
        for name in self.held:
            watched, (siblings, key, computed) = self._watched[name], self._places[name]
            if siblings.get(key, watched.module) is not watched.module or is_parametrized(watched) != computed:
                raise refusals.replaced(name)
        zeroed, _ = self._standing.compare(self.held, self._standing.tokens(), wait=False)
        if zeroed:
            raise refusals.zeroed(zeroed[0])
        for held in self.held.values():
            if held.trouble or held.unscaled:
                raise (held.trouble or refusals.unscaled)()
            if getattr(held.norm, "is_meta", False):
                raise refusals.no_numbers()

    def end_row(self) -> None:
        """Go on after a row: gradients that are not zeroed will be in the next as well."""
        self.fresh, self._reason = False, refusals.nothing
        if not any(held.token for held in self.held.values()):  # nothing is trained: no gradient will tell
            self.held = {}

    def _begin(self, task: int) -> BackwardPass:
        scale = running_scale()
        if scale is None and self._scaler is not None:
            scale = scale_of(self._scaler)
        if not self._open:
            self.before_pass()
            if not self._standing.is_current():
                self.renew()
        tokens = self._standing.tokens()
        if not self._open:
            self._unseen = set()
            if self.held:
                self._reconcile(tokens)
            else:
                self._unseen = self._standing.not_zero(name for name, now in tokens.items() if now)
        passing = self._open[task] = BackwardPass(task, scale, tokens)
        queue = torch.autograd.Variable._execution_engine.queue_callback
        # After all others, such as those that reduce gradients over processes
        queue(lambda: queue(lambda: self._end(task)))
        return passing

    def _end(self, task: int) -> None:
        passing, self._passing = self._open.pop(task, None), None
        if passing is None:
            return
        parts = passing.parts()
        tokens = self._standing.tokens()
        grown = [name for name, now in tokens.items() if now != passing.tokens[name]]
        if self._standing.tells_nothing:
            grown += [name for name in parts if tokens[name] is None]
        if not grown:
            self._reason = refusals.taken_away
        for name, weight in self._standing.computed.items():
            weight.settle(name in grown)
        if not grown:
            return
        self.fresh = True
        before = self._samples
        grown = {name: tokens[name] for name in grown}
        for name, norms in self._standing.norms(grown, passing.scale).items():
            self._grow(name, parts.get(name), before)
            held = self.held[name]
            held.token, held.scale = grown[name], passing.scale
            held.raw, held.weight_grad = norms
        self._count(passing.forwards)
        total = self._standing.total(self.held)
        self.total = total if passing.scale is None else total / passing.scale

    def _grow(self, name: str, part: Part | None, before: int) -> None:
        held = self.held.get(name)
        if held is None:
            held = self.held[name] = Held(before=before, trouble=refusals.unseen if name in self._unseen else None)
        if part is None:
            if held.norm is None:
                self.ran_without_output.add(name)
            return
        held.add(part)
        for use in part.uses:
            if use.held is held:
                held.trouble = held.trouble or refusals.twice
            use.held = held

    def _count(self, forwards: set[ForwardPass]) -> None:
        """Count the samples of forward passes, once while anything is held of them."""
        for forward in forwards:
            if forward.counted_as is None or all(held is not forward.counted_as for held in self.held.values()):
                self._samples += forward.batch_size
                forward.counted_as = next(iter(self.held.values()))
                forward.counted_as.question = forward.counted_as.question or forward.question

    def _reconcile(self, tokens: dict[str, Token]) -> None:
        """Forget, between passes, what the weight gradients do not hold any more."""
        zeroed, changed = self._standing.compare(self.held, tokens)
        for name in zeroed:
            self._weights[name].drop()
            del self.held[name]
        for name in changed:
            self.held[name].trouble = self.held[name].trouble or refusals.changed
        self.fresh &= bool(self.held)

    def _at_step(self, measure: Callable, name: str, held: Held | None) -> Norm:
        gradient = self._weights[name].gradient
        if held is None or gradient is None:
            return math.nan
        if held.scale is not None and self._standing.tokens()[name] == held.token:  # not unscaled yet
            gradient = gradient / held.scale
        return measure(gradient, self._watched[name].module)

    def _measure(self, part: Part, use: Use, gradient: torch.Tensor, scale: Norm | None) -> None:
        gradient = gradient if scale is None or not self._requested else gradient.float() / scale
        module = self._watched[use.layer].module
        values = {name: measure(gradient, module).detach().double() for name, measure in self._requested.items()}
        for name, value in ((use.measured or {}) | values).items():
            part.measured[name] = part.measured.get(name, 0) + value
