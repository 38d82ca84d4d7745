"""GradientRecorder: exact per-layer gradient norms of any nn.Module, at every step, without slowing the device."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import nn

from gradflow.builders import load_builder
from gradflow.errors import GradflowError
from gradflow.recorder.history import Rows, from_measured
from gradflow.recorder.layers import Layer, describe_layer, select_layers, weight_shapes
from gradflow.recorder.quantities import QUANTITIES, measured_on_request
from gradflow.recorder.step import MEASURED, Step, Use, in_columns
from gradflow.recorder.weight_updates import WeightChanges


class GradientRecorder:
    """Record gradient norms of the layers of a model, one row a step.

    Nothing inside a step waits for the device. The gradients are caught by a hook on the layer's output, which is right
    for in-place activations and for modules used more than once (their gradients are taken together).

    With z_l the output of layer l for one sample, L the loss and B the batch size, the quantities are
    `grad_output_norm` = ‖∂L/∂z_l‖ over the batch (what the notebooks' `register_full_backward_hook` reads);
    `grad_sample_norm` = the root mean square over samples of the norm of one sample's own gradient, free of B;
    `grad_rms` = `grad_sample_norm` / √(elements per sample); `weight_grad_norm` = ‖∂L/∂W_l‖; `weight_norm` = ‖W_l‖
    and `update_ratio` = ‖ΔW_l‖/‖W_l‖ for the weights that the step's forward pass used; `nonfinite` = the count of
    NaN and Inf elements of ∂L/∂z_l. A layer that took no part in a step reads NaN there, with `nonfinite` 0.
    `gradflow.recorder.quantities` lists them, with those that follow from them (`relative_gradient` =
    ‖W_l‖·‖∂L/∂W_l‖, ...). With batch norm a sample's gradient also flows through the statistics of its batch, so there
    `grad_sample_norm` is the norm of a row of the batch's gradient, and depends on the batch.

    Parameters
    ----------
    model : the module whose call makes the forward pass; not a compiled one.
    layers : the names to record, or a module type or tuple of them; None records every convolution and linear layer.
    reduction : how the loss reduces the batch, "mean" or "sum".
    scaler : the `torch.amp.GradScaler` of float16 training; call `step()` before `scaler.unscale_`.
    record : quantities to measure on request, by name.

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
        norms = recorder.norms()            # {quantity: float32 array [steps, layers]}
        recorder.layers                     # the columns' names, in forward order
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Sequence[str] | type | tuple[type, ...] | None = None,
        *,
        reduction: str = "mean",
        scaler: "torch.amp.GradScaler | None" = None,
        record: Iterable[str] = (),
    ):
        if hasattr(model, "_orig_mod") or getattr(model, "_compiled_call_impl", None) is not None:
            raise GradflowError(
                "GradientRecorder was given a compiled model, whose layers no longer call hooks added now: "
                "record the original model and compile it inside the `with` block, or not at all."
            )
        if reduction not in ("mean", "sum"):
            raise GradflowError(f"GradientRecorder: reduction must be 'mean' or 'sum', not {reduction!r}.")
        self._model, self._reduction, self._scaler = model, reduction, scaler
        self._modules = select_layers(model, layers)
        self._weights = WeightChanges(self._modules)
        self._requested = {name: load_builder(measure) for name, measure in measured_on_request(record).items()}
        self._order: list[str] = []  # in the order of the first forward pass
        self._rows = Rows(len(self._modules))  # [MEASURED and what is requested, layers] each
        self._pass, self._pass_size = None, 0  # the forward pass under way, and its batch size
        self._handles: list = []
        self._start_step()

    def __enter__(self) -> "GradientRecorder":
        """Attach the hooks."""
        if self._handles:
            raise GradflowError(
                "GradientRecorder is already recording: leave its `with` block before entering it again."
            )
        self._handles = [self._model.register_forward_pre_hook(self._before_forward, with_kwargs=True)]
        self._handles += [m.register_forward_hook(self._forward_hook(name)) for name, m in self._modules.items()]
        return self

    def __exit__(self, *exception) -> None:
        """Detach the hooks and close the last step's weight change."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._close_weight_change()
        self._weights.release()
        self._start_step()

    def step(self, batch_size: int | None = None) -> None:
        """End a step: store a row from what was caught since the last call.

        Parameters
        ----------
        batch_size : samples behind this step's loss; None counts the first dimension of the model's input, added up
            over the passes of a step that accumulates gradients.

        Raises
        ------
        GradflowError : no gradient was caught, the model was called in parts only, its batch size cannot be told, or
            the weight gradients are gone already.
        """
        step = self._step
        if not step.caught:
            raise GradflowError(
                "GradientRecorder.step() found no gradient in any recorded layer: call it inside the `with` block, "
                "once per step, after loss.backward()."
            )
        if step.weight_norms is None:
            raise GradflowError(
                "GradientRecorder.step(): the recorded model was never called, only parts of it: "
                "give the recorder the module whose call makes the forward pass."
            )
        batch_size = batch_size or step.samples
        if not batch_size:
            raise GradflowError(
                "GradientRecorder cannot tell the batch size from the model's inputs: call step(batch_size=...)."
            )
        self._rows.append(step.row(self._weights), batch_size, step.sample_numel(batch_size))
        self._start_step()

    @property
    def layers(self) -> list[str]:
        """The names of the columns: forward order, then the layers that never ran."""
        return self._order + [name for name in self._modules if name not in self._order]

    @property
    def table(self) -> list[Layer]:
        """What is known of each column's layer."""
        depths = {name: depth for depth, name in enumerate(self._order)}
        largest = dict(zip(self._modules, self._rows.sample_numel.max(axis=0, initial=0)))
        return [
            describe_layer(name, self._modules[name], depths.get(name, -1), int(largest[name])) for name in self.layers
        ]

    @property
    def batch_sizes(self) -> np.ndarray:
        """The batch size of each step, int64 [steps]."""
        return self._rows.batch_sizes

    def norms(self) -> dict[str, np.ndarray]:
        """Return all that was recorded; this waits for the device.

        Returns
        -------
        {quantity: float32 [steps, layers]}, the columns in the order of `layers`. Quantities that are measured on
        request are there if they were requested.
        """
        self._close_weight_change(keep=True)
        there = [one for one in QUANTITIES if not one.measure or one.name in self._requested]
        if not self._rows:
            return {quantity.name: np.empty((0, len(self._modules)), np.float32) for quantity in there}
        columns = [list(self._modules).index(name) for name in self.layers]
        stored = self._rows.stored()[:, :, columns].astype(np.float64)  # [steps, measured, layers]
        measured = dict(zip((*MEASURED, *self._requested), np.moveaxis(stored, 1, 0)))
        found = from_measured(measured, self.batch_sizes, self._rows.sample_numel[:, columns], self._reduction)
        return {quantity.name: found[quantity.name].astype(np.float32) for quantity in there}

    def state(self) -> dict:
        """Return, between two steps, all that was recorded and all that the coming rows depend on but the model.

        Raises GradflowError inside a step, after its forward pass and before `step()`.
        """
        if self._step.weight_norms is not None:
            raise GradflowError("GradientRecorder.state() was called inside a step: call it after step().")
        state = {"layers": weight_shapes(self._modules), "record": list(self._requested), "order": self._order}
        return state | {"weights": self._weights.state(), "rows": self._rows.state()}

    def restore(self, state: dict) -> None:
        """Go on from what `state` returned, in place of what was recorded; the model is the caller's to restore.

        Raises GradflowError, and changes nothing, if it was recorded from a model with other layers, or with other
        quantities.
        """
        if state["record"] != list(self._requested):
            theirs, ours = (", ".join(record) or "none" for record in (state["record"], self._requested))
            raise GradflowError(
                f"GradientRecorder cannot go on with a recording of {theirs} on request; it has {ours}."
            )
        shapes = weight_shapes(self._modules)
        if state["layers"] != shapes:
            theirs, ours = (
                ", ".join(f"{name} {shape}" for name, shape in layers.items()) for layers in (state["layers"], shapes)
            )
            raise GradflowError(
                f"GradientRecorder cannot go on with a recording of other layers: it has {theirs}, the model {ours}."
            )
        self._order = list(state["order"])
        self._weights.restore(state["weights"])
        device = next((parameter.device for parameter in self._model.parameters()), torch.device("cpu"))
        self._rows.restore(state["rows"], device)
        self._start_step()

    def _start_step(self) -> None:
        self._step = Step(len(self._rows), self._modules, self._requested, self._scaler)

    def _before_forward(self, model: nn.Module, args: tuple, kwargs: dict) -> None:
        if not torch.is_grad_enabled():
            return
        self._pass, self._pass_size = object(), _first_dimension((*args, *kwargs.values()))
        if self._step.weight_norms is None:
            self._close_weight_change()
            self._step.weight_norms = self._weights.remember()

    def _forward_hook(self, name: str):
        def forward_hook(module: nn.Module, args: tuple, output: torch.Tensor) -> None:
            if not isinstance(output, torch.Tensor):
                raise GradflowError(
                    f"GradientRecorder: the output of {name!r} ({type(module).__name__}) is not one tensor but a "
                    f"{type(output).__name__}: record layers inside it, by name."
                )
            if not output.requires_grad:
                return
            if name not in self._order:
                self._order.append(name)
            use = Use(name, self._pass, self._pass_size)
            output.register_hook(lambda gradient: self._step.catch(use, gradient))

        return forward_hook

    def _close_weight_change(self, keep: bool = False) -> None:
        """Store ‖ΔW‖ in the last step's row, once a step has ended since the weights were last copied."""
        if self._rows and self._step.weight_norms is None:
            changes = self._weights.since(keep)
            if changes:
                row = self._rows.last
                row[MEASURED.index("weight_change")] = in_columns(self._modules, changes, row)


def _first_dimension(values) -> int:
    sizes = (value.shape[0] for value in values if isinstance(value, torch.Tensor) and value.dim())
    return next(sizes, 0)
