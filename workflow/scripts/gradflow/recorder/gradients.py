"""What the weight gradients hold: the backward passes that went into them since they were last zeroed."""

import math
from collections.abc import Callable

import torch
from torch import nn

from gradflow.errors import GradflowError
from gradflow.recorder import refusals
from gradflow.recorder.layers import Watched
from gradflow.recorder.norms import Norm, count_nonfinite, hypotenuse, l2_norm
from gradflow.recorder.passes import BackwardPass, ForwardPass, Held, Part, Use
from gradflow.recorder.scaling import running_scale, scale_of
from gradflow.recorder.weights import Token, Weight, token


class Gradients:
    """Keeps, for every recorded layer, what its weight gradient holds.

    A backward pass counts if it added to the weight gradients, and until they are zeroed. requested: what is measured
    on request of a gradient and a module, by name. scaler: a GradScaler that does not tell of its scale by itself.
    """

    def __init__(
        self, model: nn.Module, watched: dict[str, Watched], weights: dict[str, Weight], requested: dict, scaler
    ):
        self._watched, self._weights, self._requested, self._scaler = watched, weights, requested, scaler
        self._model = model
        self.held: dict[str, Held] = {}
        self.total: Norm | None = None  # the norm of all gradients of the model together
        self.fresh = False  # whether a pass was added since the last row
        self.ran_without_output: set[str] = set()  # layers whose weight got a gradient, but no output of theirs did
        self._samples = 0
        self._open: dict[int, BackwardPass] = {}
        self._reason = refusals.NOTHING
        self.renew()

    def renew(self) -> None:
        """Look again at what there is to train in the model."""
        own = {id(parameter) for weight in self._weights.values() for parameter in weight.trained}
        trained = [parameter for parameter in self._model.parameters() if parameter.requires_grad]
        self._others = [parameter for parameter in trained if id(parameter) not in own]
        self._anchor = trained if any(not weight.trained for weight in self._weights.values()) else []

    def clear(self) -> None:
        """Forget all that was caught; gradients that stay where they are then count as unseen."""
        for weight in self._weights.values():
            weight.drop()
        self.held, self.fresh, self._reason = {}, False, refusals.NOTHING
        self._open.clear()

    def begin(self) -> BackwardPass:
        """Return the backward pass under way, which may just have begun."""
        task = torch._C._current_graph_task_id()
        return self._open.get(task) or self._begin(task)

    def catch(self, use: Use, gradient: torch.Tensor) -> None:
        """Take in the gradient of a layer's output, while a backward pass runs."""
        passing = self.begin()
        if use.caught_in is passing:  # of a view, and of what it is a view of
            return
        use.caught_in = passing
        passing.forwards.add(use.forward)
        gradient = gradient.detach()
        norm = l2_norm(gradient)
        part = passing.parts.get(use.layer)
        if part is None:
            part = passing.parts[use.layer] = Part()
        part.uses.append(use)
        part.numel += gradient.numel()
        part.nonfinite = part.nonfinite + count_nonfinite(gradient, norm)
        if passing.scale is not None:
            norm = norm / passing.scale
        elif gradient.dtype is torch.float16:
            part.unscaled = True
        part.norm = norm if part.norm is None else hypotenuse(part.norm, norm)
        if self._requested or use.measured:
            self._measure(part, use, gradient, passing.scale)

    def settle(self) -> None:
        """Between passes: what is still under way was broken off by an error, and what it left cannot be told."""
        if self._open and torch._C._current_graph_task_id() == -1:
            self.clear()

    def batch_size(self) -> tuple[int, str]:
        """Return the samples behind what the weight gradients hold, and a question if they cannot be told."""
        question = next((held.question for held in self.held.values() if held.question), "")
        before = min(held.before for held in self.held.values())
        return self._samples - before, question

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
        return self.fresh and any(held.token and self._token(name) for name, held in self.held.items())

    def check(self) -> None:
        """Raise GradflowError if what the weight gradients hold is not what was caught since the last row."""
        self.settle()
        if not self.fresh or not self.held:
            raise GradflowError(self._reason)
        self._compare(lambda name, held: _raise(refusals.ZEROED.format(name)), between_passes=False)
        for held in self.held.values():
            if held.trouble or held.unscaled:
                raise GradflowError(held.trouble or refusals.UNSCALED)
            if getattr(held.norm, "is_meta", False):
                raise GradflowError(refusals.NO_NUMBERS)

    def end_row(self) -> None:
        """Go on after a row: gradients that are not zeroed will be in the next as well."""
        self.fresh, self._reason = False, refusals.NOTHING
        if not any(held.token for held in self.held.values()):  # nothing is trained: no gradient will tell
            self.held = {}

    def _begin(self, task: int) -> BackwardPass:
        scale = running_scale()
        if scale is None and self._scaler is not None:
            scale = scale_of(self._scaler)
        if not self._open:
            self._compare(self._drop, between_passes=True)
        passing = self._open[task] = BackwardPass(scale, {name: self._token(name) for name in self._watched})
        queue = torch.autograd.Variable._execution_engine.queue_callback
        # After all others, such as those that reduce gradients over processes
        queue(lambda: queue(lambda: self._end(task)))
        return passing

    def _end(self, task: int) -> None:
        passing = self._open.pop(task, None)
        if passing is None:
            return
        tokens = {name: self._token(name) for name in self._watched}
        grown = [name for name, now in tokens.items() if now != passing.tokens[name] or self._is_untold(name, passing)]
        if not grown:
            self._reason = refusals.TAKEN_AWAY
        for name, weight in self._weights.items():
            weight.settle(name in grown)
        if not grown:
            return
        self.fresh = True
        before, parts = self._samples, {name: passing.parts.get(name) for name in grown}
        for name, part in parts.items():
            self._grow(name, part, before, tokens[name], passing.scale)
        self._count(passing.forwards)
        self._sum_up(passing.scale)

    def _grow(self, name: str, part: Part | None, before: int, now: Token, scale: Norm | None) -> None:
        unseen = bool(now) and name not in self.held and name in self._unseen
        held = self.held.setdefault(name, Held(before=before, trouble=refusals.UNSEEN if unseen else ""))
        gradient = self._weights[name].gradient
        held.token, held.scale = now, scale
        if gradient is not None and now:
            held.raw = l2_norm(gradient)
            held.weight_grad = held.raw if scale is None else held.raw / scale
        if part is None:
            if held.norm is None:
                self.ran_without_output.add(name)
            return
        held.add(part)
        for use in part.uses:
            if use.held is held:
                held.trouble = held.trouble or refusals.TWICE
            use.held = held

    def _count(self, forwards: set[ForwardPass]) -> None:
        """Count the samples of forward passes, once while anything is held of them."""
        for forward in forwards:
            if forward.counted_as is None or all(held is not forward.counted_as for held in self.held.values()):
                self._samples += forward.batch_size
                forward.counted_as = next(iter(self.held.values()))
                forward.counted_as.question = forward.counted_as.question or forward.question

    def _sum_up(self, scale: Norm | None) -> None:
        others = [parameter.grad for parameter in self._others if parameter.grad is not None]
        norms = [held.raw for held in self.held.values() if held.raw is not None]
        total = hypotenuse(*norms, *(l2_norm(gradient) for gradient in others))
        self.total = total if scale is None else total / scale

    def _token(self, name: str) -> Token:
        trained = self._weights[name].trained
        return token(trained or self._anchor)

    def _is_untold(self, name: str, passing: BackwardPass) -> bool:
        """Tell whether a layer took part in a pass, of a model in which nothing is trained."""
        return name in passing.parts and not self._weights[name].trained and not self._anchor

    def _compare(self, gone: Callable[[str, Held], None], between_passes: bool) -> None:
        """Compare the gradients with what they held when the last pass ended."""
        self._unseen: set[str] = set()
        if between_passes and not self.held:
            found = {name: g for name, weight in self._weights.items() if (g := weight.gradient) is not None}
            self._unseen = {name for name, norm in _numbers(found).items() if norm}
            return
        changed = {}
        for name, held in list(self.held.items()):
            now = self._token(name)
            if held.token and not now:
                gone(name, held)
            elif now != held.token:
                changed[name] = held
        changed |= self._zeroed_in_silence(changed)
        if not changed or not (between_passes or self._on_host(changed)):
            return
        found = {name: g for name in changed if (g := self._weights[name].gradient) is not None}
        for name, norm in _numbers(found).items():
            held = self.held[name]
            if norm == 0 and (held.raw is None or float(held.raw) != 0):
                gone(name, held)
            elif between_passes and held.raw is not None and norm != float(held.raw):
                held.trouble = held.trouble or refusals.CHANGED

    def _zeroed_in_silence(self, changed: dict) -> dict:
        """Return all layers if a gradient was zeroed through .data, which leaves no trace but the values."""
        rest = {n: h for n, h in self.held.items() if n not in changed and isinstance(h.raw, float) and h.raw > 0}
        sizes = {name: g.numel() for name in rest if (g := self._weights[name].gradient) is not None}
        if not sizes:
            return {}
        smallest = min(sizes, key=sizes.get)
        return {} if l2_norm(self._weights[smallest].gradient) else rest

    def _at_step(self, measure: Callable, name: str, held: Held | None) -> Norm:
        gradient = self._weights[name].gradient
        if held is None or gradient is None:
            return math.nan
        if held.scale is not None and self._token(name) == held.token:  # not unscaled yet
            gradient = gradient / held.scale
        return measure(gradient, self._watched[name].module)

    def _on_host(self, names) -> bool:
        return all(isinstance(self.held[name].raw, float) for name in names)

    def _drop(self, name: str, held: Held) -> None:
        self._weights[name].drop()
        self.held.pop(name, None)
        if not self.held:
            self.fresh = False

    def _measure(self, part: Part, use: Use, gradient: torch.Tensor, scale: Norm | None) -> None:
        gradient = gradient if scale is None else gradient.float() / scale
        module = self._watched[use.layer].module
        values = {name: measure(gradient, module).detach().double() for name, measure in self._requested.items()}
        for name, value in (use.measured | values).items():
            part.measured[name] = part.measured.get(name, 0) + value


def _numbers(gradients: dict[str, torch.Tensor]) -> dict[str, float]:
    """Return the norms as numbers; elsewhere than on the CPU this waits for the device, once."""
    norms = {name: l2_norm(gradient) for name, gradient in gradients.items()}
    waiting = [norm for norm in norms.values() if not isinstance(norm, float)]
    read = iter(torch.stack(waiting).tolist() if waiting else ())
    return {name: norm if isinstance(norm, float) else next(read) for name, norm in norms.items()}


def _raise(sentence: str) -> None:
    raise GradflowError(sentence)
