"""GradientRecorder: exact per-layer gradient norms of any nn.Module, at every step, without slowing the device."""

import math
import weakref
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from torch import nn

from gradflow.errors import GradflowError
from gradflow.recorder.batch import HOW_TO_TELL, NO_BATCH, batch_size_of, puts_time_first
from gradflow.recorder.capture import Capture
from gradflow.recorder.gradients import Gradients
from gradflow.recorder.history import MEASURED, Rows
from gradflow.recorder.layers import Layer, describe_layer, select_layers, weight_shape
from gradflow.recorder.recording import Recorded, Recording
from gradflow.recorder.scaling import leave_scalers, watch_scalers
from gradflow.recorder.updates import WeightUpdates
from gradflow.recorder.watch import Watch
from gradflow.recorder.weights import weights_of


class GradientRecorder(Recorded):
    """Record gradient norms of the layers of a model, one row a step.

    A row holds exactly the backward passes whose weight gradients the optimizer is about to use, or has just used:
    those that added to them since they were zeroed. What cannot be told is refused, in `step()`. The model computes
    what it computes without a recorder, to the bit, and carries no hook. Nothing inside a step waits for the device.

    With z_l the output of layer l for one sample, L the loss and B the batch size, the quantities are
    `grad_output_norm` = ‖∂L/∂z_l‖ over the batch (what the notebooks' `register_full_backward_hook` reads);
    `grad_sample_norm` = the root mean square over samples of the norm of one sample's own gradient, free of B;
    `grad_rms` = `grad_sample_norm` / √(elements per sample); `weight_grad_norm` = ‖∂L/∂W_l‖ when the backward pass
    ended, without a GradScaler's scale; `weight_norm` = ‖W_l‖ and `update_ratio` = ‖ΔW_l‖/‖W_l‖ for the weights that
    the step's first forward pass used; `nonfinite` = the count of NaN and Inf elements of ∂L/∂z_l. A layer that took no
    part in a step reads NaN there, with `nonfinite` 0; of a weight in a fused function (LSTM) z is not known.
    `gradflow.recorder.quantities` lists them, with those that follow from them and those measured on request. With
    batch norm a sample's gradient also flows through the statistics of its batch, so there `grad_sample_norm` is the
    norm of a row of the batch's gradient, and depends on the batch.

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
        if hasattr(model, "_orig_mod") or getattr(model, "_compiled_call_impl", None) is not None:
            raise GradflowError(
                "GradientRecorder was given a compiled model, whose layers no longer call hooks added now: "
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
        told = (optimizer, self._gradients.weight_gradient_norm)
        self._updates = WeightUpdates(weights, self._rows.store_changes, *told)
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

    @property
    def layers(self) -> list[str]:
        """The names of the columns: forward order, then the layers that never ran."""
        self._capture.note_order()
        order = self._capture.order
        known = [n for n, one in self._watched.items() if one.certain or n in self._capture.products]
        return order + [name for name in known if name not in order]

    @property
    def table(self) -> list[Layer]:
        """What is known of each column's layer."""
        depths = {name: depth for depth, name in enumerate(self._capture.order)}
        per_sample = self._rows.numel // np.maximum(1, self._rows.batch_sizes)[:, None]
        largest = dict(zip(self._watched, per_sample.max(axis=0, initial=0)))
        return [describe_layer(self._watched[n], depths.get(n, -1), int(largest[n])) for n in self.layers]

    @property
    def batch_sizes(self) -> np.ndarray:
        """The batch size of each row, int64 [rows]."""
        return self._rows.batch_sizes

    @property
    def steps(self) -> np.ndarray:
        """The number of each row's step, from 0, int64 [rows]; `every` leaves some out, and so does `discard()`."""
        return self._rows.steps

    def norms(self) -> dict[str, np.ndarray]:
        """Return all that was recorded; this waits for the device.

        Returns
        -------
        {quantity: float32 [rows, layers], float64 of a model in float64}, the columns in the order of `layers`.
        Quantities that are measured on request are there if they were requested.
        """
        self._updates.peek()
        return self._rows.quantities(self.layers, self._precision())

    def last(self) -> dict[str, np.ndarray]:
        """Return the newest row, {quantity: [layers]}, at a cost that does not grow; this waits for the device."""
        if not self._rows:
            raise GradflowError("GradientRecorder.last(): there is no row yet; step() makes one.")
        self._updates.peek()
        newest = self._rows.quantities(self.layers, self._precision(), newest=True)
        return {name: array[0] for name, array in newest.items()}

    def recording(self, **notes) -> Recording:
        """Return all that was recorded, with what a file of it should say."""
        norms = self.norms()
        return Recording(self.table, norms, self._rows.steps, self._rows.batch_sizes, self._rows.totals, notes)

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

    def _after_forward(self, args: tuple, kwargs: dict, output) -> tuple[int, str]:
        self._gradients.settle()
        self._updates.look(self._gradients.stand())
        if not self._is_recorded:
            self._attach()
            return 0, ""
        return batch_size_of(args, kwargs, output, self._time_first, self._batch_dim)

    def _store(self, batch_size: int | None) -> None:
        gradients, norms = self._gradients, self._updates.norms
        gradients.check()
        if norms is None:
            raise GradflowError(
                "GradientRecorder.step(): the recorded model was never called, only parts of it: "
                "give the recorder the module whose call makes the forward pass."
            )
        counted, question = gradients.batch_size()
        if not batch_size and (question or not counted):
            raise GradflowError(f"GradientRecorder.step() {question or NO_BATCH}: {HOW_TO_TELL}")
        numel = [held.numel if held else 0 for held in map(gradients.held.get, self._watched)]
        if any(0 < elements < (batch_size or counted) for elements in numel):
            raise GradflowError(f"GradientRecorder.step() met a layer with fewer outputs than samples: {HOW_TO_TELL}")
        measured = gradients.measured(self._rows.measures("weight_gradient"), self._rows.requested)
        measured.insert(MEASURED.index("weight_norm"), [norms.get(name, math.nan) for name in self._watched])
        measured.insert(MEASURED.index("weight_change"), [math.nan] * len(self._watched))
        self._rows.append(measured, self._step, batch_size or counted, numel, gradients.total)
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

    def _precision(self) -> type:
        wide = any(parameter.dtype in (torch.float64, torch.complex128) for parameter in self._model.parameters())
        return np.float64 if wide else np.float32
