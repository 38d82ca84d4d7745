"""GradientRecorder: exact per-layer gradient norms of any nn.Module, at every step, without slowing the device."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import nn

from gradflow.errors import GradflowError
from gradflow.norms import count_nonfinite, l2_norm, l2_norms

CONV_AND_LINEAR = (nn.modules.conv._ConvNd, nn.Linear)
MEASURED = ("grad_output_norm", "weight_grad_norm", "weight_norm", "weight_change", "nonfinite")
QUANTITIES = (
    "grad_output_norm",
    "grad_sample_norm",
    "grad_rms",
    "weight_grad_norm",
    "weight_norm",
    "update_ratio",
    "nonfinite",
)
ROWS_ON_DEVICE = 1024  # rows are brought to the host in blocks of so many steps


@dataclass(frozen=True)
class Layer:
    """What is known of a recorded layer; `depth` is its position in the forward order, -1 if it never ran."""

    name: str
    kind: str
    depth: int
    output_numel: int  # elements per sample, summed over the module's uses
    weight_numel: int
    fan_in: int


class GradientRecorder:
    """Record gradient norms of the layers of `model`, one row a step.

        with GradientRecorder(model) as recorder:
            for images, labels in batches:
                loss = criterion(model(images), labels)
                loss.backward()
                recorder.step()             # before the next zero_grad(); the optimizer may step before or after
                optimizer.step()
                optimizer.zero_grad()
        norms = recorder.norms()            # {quantity: float32 array [steps, layers]}
        recorder.layers                     # the columns' names, in forward order

    With z_l the output of layer l for one sample, L the loss and B the batch size, the quantities are
    `grad_output_norm` = ‖∂L/∂z_l‖ over the batch (what the seeds' `register_full_backward_hook` reads);
    `grad_sample_norm` = the root mean square over samples of the norm of one sample's own gradient, free of B;
    `grad_rms` = `grad_sample_norm` / √(elements per sample); `weight_grad_norm` = ‖∂L/∂W_l‖; `weight_norm` = ‖W_l‖
    and `update_ratio` = ‖ΔW_l‖/‖W_l‖ for the weights that the step's forward pass used; `nonfinite` = the count of
    NaN and Inf elements of ∂L/∂z_l. A layer that took no part in a step reads NaN there, with `nonfinite` 0.

    layers: the names to record, or a tuple of module types; None records every convolution and linear layer.
    reduction: how the loss reduces the batch, "mean" or "sum".
    scaler: the `torch.amp.GradScaler` of float16 training; call `step()` before `scaler.unscale_`.

    Nothing inside a step waits for the device. The gradients are caught by a hook on the layer's output, which is
    right for in-place activations and for modules used more than once (their gradients are taken together).
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Sequence[str] | tuple[type, ...] | None = None,
        *,
        reduction: str = "mean",
        scaler: "torch.amp.GradScaler | None" = None,
    ):
        if hasattr(model, "_orig_mod") or getattr(model, "_compiled_call_impl", None) is not None:
            raise GradflowError(
                "GradientRecorder was given a compiled model, whose layers no longer call hooks added now: "
                "record the original model and compile it inside the `with` block, or not at all."
            )
        if reduction not in ("mean", "sum"):
            raise GradflowError(f"GradientRecorder: reduction must be 'mean' or 'sum', not {reduction!r}.")
        self._model, self._reduction, self._scaler = model, reduction, scaler
        self._modules = _select(model, layers)
        self._columns = {name: column for column, name in enumerate(self._modules)}
        self._weighted = {
            name: module
            for name, module in self._modules.items()
            if isinstance(getattr(module, "weight", None), nn.Parameter)
        }
        self._order: list[str] = []  # in the order of the first forward pass
        self._rows: list[torch.Tensor] = []  # [len(MEASURED), layers] each, on the device
        self._blocks: list[np.ndarray] = []
        self._batch_sizes: list[int] = []
        self._sample_numel: list[list[int]] = []
        self._previous: list[torch.Tensor] = []  # the weights of the last step's forward pass
        self._weight_norms: torch.Tensor | None = None
        self._handles: list = []
        self._start_step()

    # -- the context ---------------------------------------------------------------------------------------------

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
        self._close_weight_change(overwrite=True)
        self._previous = []

    # -- recording -----------------------------------------------------------------------------------------------

    def step(self, batch_size: int | None = None) -> None:
        """End a step: store a row from what was caught since the last call.

        batch_size: samples behind this step's loss; None counts the first dimension of the model's input, added up
        over the passes of a step that accumulates gradients.
        """
        if not self._caught:
            raise GradflowError(
                "GradientRecorder.step() found no gradient in any recorded layer: call it inside the `with` block, "
                "once per step, after loss.backward()."
            )
        if not self._weights_seen:
            raise GradflowError(
                "GradientRecorder.step(): the recorded model was never called, only parts of it: "
                "give the recorder the module whose call makes the forward pass."
            )
        batch_size = batch_size or sum(self._samples.values())
        if not batch_size:
            raise GradflowError(
                "GradientRecorder cannot tell the batch size from the model's inputs: call step(batch_size=...)."
            )
        self._rows.append(self._row())
        self._batch_sizes.append(batch_size)
        self._sample_numel.append([self._output_numel[name] // batch_size for name in self._modules])
        self._start_step()
        if len(self._rows) > ROWS_ON_DEVICE:  # all but the last row, whose weight change is still open
            self._blocks.append(torch.stack(self._rows[:-1]).cpu().numpy())
            self._rows = self._rows[-1:]

    @property
    def layers(self) -> list[str]:
        """The names of the columns: forward order, then the layers that never ran."""
        return self._order + [name for name in self._modules if name not in self._order]

    @property
    def table(self) -> list[Layer]:
        """What is known of each column's layer."""
        depths = {name: depth for depth, name in enumerate(self._order)}
        largest = dict(zip(self._modules, np.max(self._sample_numel or [[0] * len(self._modules)], axis=0)))
        return [_describe(name, self._modules[name], depths.get(name, -1), int(largest[name])) for name in self.layers]

    @property
    def batch_sizes(self) -> np.ndarray:
        """The batch size of each step, int64 [steps]."""
        return np.asarray(self._batch_sizes, dtype=np.int64)

    def norms(self) -> dict[str, np.ndarray]:
        """Return {quantity: float32 [steps, layers]} for all steps so far; this waits for the device."""
        self._close_weight_change()
        if not self._rows:
            return {quantity: np.empty((0, len(self._modules)), np.float32) for quantity in QUANTITIES}
        columns = [self._columns[name] for name in self.layers]
        stored = np.concatenate([*self._blocks, torch.stack(self._rows).cpu().numpy()])  # [steps, measured, layers]
        stored = stored[:, :, columns].astype(np.float64)
        raw = dict(zip(MEASURED, np.moveaxis(stored, 1, 0)))
        batch = self.batch_sizes[:, None].astype(np.float64)
        numel = np.asarray(self._sample_numel, dtype=np.float64)[:, columns]
        to_sample = np.sqrt(batch) if self._reduction == "mean" else 1 / np.sqrt(batch)
        with np.errstate(divide="ignore", invalid="ignore"):
            raw["grad_sample_norm"] = raw["grad_output_norm"] * to_sample
            raw["grad_rms"] = raw["grad_sample_norm"] / np.sqrt(numel)
            raw["update_ratio"] = raw["weight_change"] / raw["weight_norm"]
            return {quantity: raw[quantity].astype(np.float32) for quantity in QUANTITIES}

    # -- inside a step -------------------------------------------------------------------------------------------

    def _start_step(self) -> None:
        self._caught: dict[str, torch.Tensor] = {}  # the norm of ∂L/∂z, by layer
        self._nonfinite: dict[str, torch.Tensor] = {}
        self._samples: dict[object, int] = {}  # by forward pass, counted when its gradient arrives
        self._output_numel = dict.fromkeys(self._modules, 0)
        self._weights_seen = False

    def _before_forward(self, model: nn.Module, args: tuple, kwargs: dict) -> None:
        if not torch.is_grad_enabled():
            return
        self._pass, self._pass_size = object(), _first_dimension((*args, *kwargs.values()))
        if not self._weights_seen:
            self._close_weight_change(overwrite=True)
            self._open_weight_change()

    def _forward_hook(self, name: str):
        def forward_hook(module: nn.Module, args: tuple, output: torch.Tensor) -> None:
            if not (isinstance(output, torch.Tensor) and output.requires_grad):
                return
            if not self._rows and name not in self._order:
                self._order.append(name)
            this_pass, size = getattr(self, "_pass", None), getattr(self, "_pass_size", 0)
            output.register_hook(lambda gradient: self._catch(name, gradient, this_pass, size))

        return forward_hook

    def _catch(self, name: str, gradient: torch.Tensor, this_pass: object, size: int) -> None:
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
        self._caught[name] = torch.hypot(self._caught[name], norm) if name in self._caught else norm
        if count is not None:
            self._nonfinite[name] = self._nonfinite.get(name, 0) + count
        self._output_numel[name] += gradient.numel()
        self._samples[this_pass] = size

    def _row(self) -> torch.Tensor:
        """Put a step's measurements in one tensor [len(MEASURED), layers]; the weight change follows later."""
        norms = torch.stack(list(self._caught.values()))
        row = torch.full((len(MEASURED), len(self._modules)), math.nan, device=norms.device)
        row[0, [self._columns[name] for name in self._caught]] = norms
        trained = [
            name for name in self._weighted if name in self._caught and self._weighted[name].weight.grad is not None
        ]
        if trained:
            weight_norms = l2_norms([self._weighted[name].weight.grad for name in trained])
            if self._scaler is not None:
                weight_norms = weight_norms / self._scaler.scale(torch.ones_like(norms[0]))
            row[1, [self._columns[name] for name in trained]] = weight_norms
        if self._weighted:
            row[2, [self._columns[name] for name in self._weighted]] = self._weight_norms
        row[4] = 0
        for name, count in self._nonfinite.items():
            row[4, self._columns[name]] = count
        return row

    # -- weights: what changed between the forward passes of two steps -------------------------------------------

    @torch.no_grad()
    def _open_weight_change(self) -> None:
        weights = [module.weight for module in self._weighted.values()]
        if not self._previous:
            self._previous = [torch.empty_like(weight) for weight in weights]
        if weights:
            self._weight_norms = l2_norms(weights)
            torch._foreach_copy_(self._previous, weights)
        self._weights_seen = True

    @torch.no_grad()
    def _close_weight_change(self, overwrite: bool = False) -> None:
        """Store ‖ΔW‖ in the last step's row; `overwrite` gives up the old weights, which spares an allocation."""
        if not self._rows or not self._previous or self._weights_seen:
            return  # no step ended since the weights were last looked at
        weights = [module.weight for module in self._weighted.values()]
        if overwrite:
            torch._foreach_sub_(self._previous, weights)
            changes = l2_norms(self._previous)
        else:
            changes = torch.stack([l2_norm(new - old) for new, old in zip(weights, self._previous)])
        self._rows[-1][3, [self._columns[name] for name in self._weighted]] = changes


def layers_as_records(table: Iterable[Layer]) -> dict[str, list]:
    """Turn a recorder's table into columns, {field: values}."""
    rows = [asdict(layer) for layer in table]
    return {field: [row[field] for row in rows] for field in Layer.__dataclass_fields__}


def _select(model: nn.Module, layers) -> dict[str, nn.Module]:
    modules = dict(model.named_modules())
    if layers is None or (layers and all(isinstance(kind, type) for kind in layers)):
        kinds = layers or CONV_AND_LINEAR
        chosen = {name: module for name, module in modules.items() if isinstance(module, tuple(kinds))}
    else:
        unknown = [name for name in layers if name not in modules]
        if unknown:
            raise GradflowError(
                f"GradientRecorder: the model has no layer {unknown[0]!r}; its layers are "
                f"{', '.join(n for n, m in modules.items() if isinstance(m, CONV_AND_LINEAR))}."
            )
        chosen = {name: modules[name] for name in layers}
    if not chosen:
        raise GradflowError(
            "GradientRecorder found no layer to record: name the layers, or the module types, to watch."
        )
    return chosen


def _describe(name: str, module: nn.Module, depth: int, output_numel: int) -> Layer:
    weight = getattr(module, "weight", None)
    numel = weight.numel() if isinstance(weight, torch.Tensor) else 0
    fan_in = numel // weight.shape[0] if numel and weight.dim() > 1 else 0
    return Layer(name, type(module).__name__, depth, output_numel, numel, fan_in)


def _first_dimension(values) -> int:
    sizes = (value.shape[0] for value in values if isinstance(value, torch.Tensor) and value.dim())
    return next(sizes, 0)
