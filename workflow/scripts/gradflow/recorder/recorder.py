"""GradientRecorder: exact per-layer gradient norms of any nn.Module, at every step, without slowing the device."""

import math
import weakref
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import nn

from gradflow.errors import GradflowError
from gradflow.recorder.batch import batch_size_of, puts_time_first
from gradflow.recorder.capture import Capture
from gradflow.recorder.gradients import Gradients
from gradflow.recorder.history import MEASURED, Rows
from gradflow.recorder.layers import first_compiled, select_layers, weight_shape
from gradflow.recorder.refusals import BatchSizeError
from gradflow.recorder.scaling import leave_scalers, watch_scalers
from gradflow.recorder.so_far import SoFar
from gradflow.recorder.updates import WeightUpdates
from gradflow.recorder.watch import Watch
from gradflow.recorder.weights import weights_of


class GradientRecorder(SoFar):
    """Record gradient norms of the layers of a model, one row a step.

    A row holds exactly the backward passes whose weight gradients the optimizer is about to use, or has just used:
    those that added to them since they were zeroed. What cannot be told is refused, in `step()`. The model computes
    what it computes without a recorder, to the bit, and carries no hook. Nothing inside a step waits for the device.

    `gradflow.recorder.quantities` says what each quantity is. A layer that took no part in a step reads NaN there, with
    `nonfinite` 0; of a weight inside a fused function (LSTM) the output of the product is not known.

    Parameters
    ----------
    model : the module whose call makes the forward pass; not a compiled one.
    layers : names of modules or parameters, or a module type or tuple of them; None is every weight matrix that
        multiplies.
    reduction : how the loss reduces the batch, "mean" or "sum".
    scaler : a GradScaler that is no `torch.amp.GradScaler`; those are told apart by themselves.
    record : quantities to measure on request, by name.
    every : record one step in so many, the first included.
    batch_dim : the dimension of the model's first input that counts the samples; None takes the first dimension, and
        refuses where that is doubtful.
    optimizer : what alone changes the weights between two steps. Where its state says ‖ΔW‖ (SGD with momentum or
        without weight decay), the weights are then not copied; elsewhere they are.

    Raises
    ------
    GradflowError : a compiled model, an unknown reduction, layer or quantity, or no layer to record.

    Examples
    --------
        with GradientRecorder(model) as recorder:
            for images, labels in batches:
                loss = criterion(model(images), labels)
                loss.backward()
                recorder.step()             # before the next zero_grad(); the optimizer may step before or after
                optimizer.step()
                optimizer.zero_grad()
        norms = recorder.norms()            # {quantity: array [rows, layers]}
        recorder.layers                     # the columns' names, in forward order
    """

    def __init__(
        self,
        model: nn.Module,
        layers: str | Sequence[str] | type | tuple[type, ...] | None = None,
        *,
        reduction: str = "mean",
        scaler=None,
        record: Iterable[str] = (),
        every: int = 1,
        batch_dim: int | None = None,
        optimizer: torch.optim.Optimizer | None = None,
    ):
        compiled = first_compiled(model)
        if compiled is not None:
            part = f" (its part {compiled!r})" if compiled else ""
            raise GradflowError(
                f"GradientRecorder was given a compiled model{part}, whose layers no longer call hooks added now: "
                "record the original model and compile it inside the `with` block, or not at all."
            )
        if reduction not in ("mean", "sum"):
            raise GradflowError(f"GradientRecorder: reduction must be 'mean' or 'sum', not {reduction!r}.")
        if not isinstance(every, int) or every < 1:
            raise GradflowError(f"GradientRecorder: every must be a whole number from 1, not {every!r}.")
        self._model, self._every, self._batch_dim = model, every, batch_dim
        self._watched = select_layers(model, layers)
        weights = weights_of(self._watched.values())
        self._rows = Rows(tuple(self._watched), record, reduction)
        self._gradients = Gradients(model, self._watched, weights, self._rows.measures("gradient"), scaler)
        self._gradients.before_pass = self._before_pass
        self._updates = WeightUpdates(weights, self._rows.store_changes, optimizer)
        seen = (model, self._watched, weights, self._gradients, self._rows.measures("output"))
        self._capture = Capture(*seen, self._after_forward)
        self._time_first = puts_time_first(model)
        self._step = 0
        self._watch: Watch | None = None
        self._recording = False

    def __enter__(self) -> "GradientRecorder":
        """Begin to see the model's passes."""
        if self._recording:
            raise GradflowError(
                "GradientRecorder is already recording: leave its `with` block before entering it again."
            )
        self._recording = True
        self._gradients.renew()
        self._gradients.clear()
        self._updates.attach()
        watch_scalers()
        self._scalers = weakref.finalize(self, leave_scalers)
        self._attach()
        return self

    def __exit__(self, *exception) -> None:
        """See no more passes, and close the last row's weight change."""
        self._recording = False
        self._capture.detach()
        self._scalers()
        self._updates.detach()
        self._gradients.clear()

    def step(self, batch_size: int | None = None) -> None:
        """End a step: store a row from what the weight gradients hold.

        Parameters
        ----------
        batch_size : samples behind this step's loss; None counts them in the model's first input, added up over the
            passes of a step that accumulates gradients.

        Raises
        ------
        GradflowError : no gradient was caught, or not all that the weight gradients hold; they are gone; the model was
            called in parts only; its batch size cannot be told. The model and the next step are not touched by that.
        """
        if self._is_recorded:
            self._store(batch_size)
        self._end_step()

    def discard(self) -> None:
        """End a step without a row: its backward passes are abandoned, and the caller zeroes their gradients."""
        self._gradients.clear()
        self._end_step()

    def watch(self, on: Callable[[str], None] | str = "warn", **limits: float) -> None:
        """Tell, once for each layer and finding, when a layer vanishes, explodes, dies or turns non-finite.

        on: called with a sentence, or "warn" for a Python warning. limits: those of `gradflow.recorder.watch.Watch`.
        Each recorded step then waits for the device.
        """
        self._watch = Watch(on, **limits)

    def state(self) -> dict:
        """Return, between two steps, all that was recorded and all that the coming rows depend on but the model.

        Raises GradflowError inside a step, after its forward pass and before `step()`.
        """
        if self._updates.in_step:
            raise GradflowError("GradientRecorder.state() was called inside a step: call it after step().")
        shapes = {name: weight_shape(one) for name, one in self._watched.items()}
        state = {"layers": shapes, "record": list(self._rows.requested), "step": self._step}
        return state | {"updates": self._updates.state(), "rows": self._rows.state()} | self._capture.state()

    def restore(self, state: dict) -> None:
        """Go on from what `state` returned, in place of what was recorded; the model is the caller's to restore.

        Raises GradflowError, and changes nothing, if it was recorded from a model with other layers, or with other
        quantities.
        """
        if state["record"] != list(self._rows.requested):
            theirs, ours = (", ".join(record) or "none" for record in (state["record"], self._rows.requested))
            raise GradflowError(
                f"GradientRecorder cannot go on with a recording of {theirs} on request; it has {ours}."
            )
        shapes = {name: weight_shape(one) for name, one in self._watched.items()}
        if state["layers"] != shapes:
            theirs, ours = (
                ", ".join(f"{name} {shape}" for name, shape in layers.items()) for layers in (state["layers"], shapes)
            )
            raise GradflowError(
                f"GradientRecorder cannot go on with a recording of other layers: it has {theirs}, the model {ours}."
            )
        self._step = state["step"]
        self._capture.restore(state)
        self._updates.restore(state["updates"])
        device = next((parameter.device for parameter in self._model.parameters()), torch.device("cpu"))
        self._rows.restore(state["rows"], device)
        self._gradients.clear()
        if self._recording:
            self._attach()

    @property
    def _is_recorded(self) -> bool:
        """Whether the step under way will be a row."""
        return self._step % self._every == 0

    def _attach(self) -> None:
        """See what has to be seen: the layers in a step that is recorded, the model until the last row is complete."""
        if self._is_recorded or self._updates.open:
            self._capture.attach(layers=self._is_recorded)
        else:
            self._capture.detach()

    def _after_forward(self, args: tuple, kwargs: dict, output) -> tuple[int, BatchSizeError | None]:
        self._gradients.settle()
        self._updates.look(self._gradients.stand())
        if not self._is_recorded:
            self._attach()
            return 0, None
        return batch_size_of(args, kwargs, output, self._time_first, self._batch_dim)

    def _before_pass(self) -> None:
        if not self._updates.in_step:  # the model was called in parts
            self._updates.look(self._gradients.stand())

    def _store(self, batch_size: int | None) -> None:
        gradients, norms = self._gradients, self._updates.norms
        gradients.check()
        counted, question = gradients.batch_size()
        if not batch_size and (question or not counted):
            raise question or BatchSizeError("counted no sample")
        numel = [held.numel if held else 0 for held in map(gradients.held.get, self._watched)]
        samples = gradients.samples(batch_size or counted)
        measured = gradients.measured(self._rows.measures("weight_gradient"), self._rows.requested)
        measured.insert(MEASURED.index("weight_norm"), [norms.get(name, math.nan) for name in self._watched])
        measured.insert(MEASURED.index("weight_change"), [math.nan] * len(self._watched))
        self._rows.append(measured, self._step, batch_size or counted, numel, samples, gradients.total)
        gradients.end_row()
        self._updates.end_row()
        if self._watch is not None:
            self._watch.look(self._step, self.layers, self.last())

    def _end_step(self) -> None:
        self._step += 1
        self._capture.end_step()
        self._updates.in_step = False
        if self._recording:
            self._attach()
