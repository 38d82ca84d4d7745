"""The scale that a GradScaler multiplies a loss by, told by the scaled loss itself when its backward pass begins."""

import torch

from gradflow.recorder.nested import tensors_in
from gradflow.recorder.norms import Norm

_recording = 0  # recorders that want to know
_plain_scale = torch.amp.GradScaler.scale
_running: dict[int, Norm] = {}  # the scale of the backward pass under way, by its number


def watch_scalers() -> None:
    """From now on a loss that any `torch.amp.GradScaler` scales tells its scale; its value is what it was."""
    global _recording
    _recording += 1
    if torch.amp.GradScaler.scale is _plain_scale:
        torch.amp.GradScaler.scale = _telling_scale


def leave_scalers() -> None:
    """Undo `watch_scalers`, once for each of its calls."""
    global _recording
    _recording -= 1
    if not _recording and torch.amp.GradScaler.scale is _telling_scale:
        torch.amp.GradScaler.scale = _plain_scale


def running_scale() -> Norm | None:
    """Return the scale of the loss whose backward pass runs; None if no GradScaler scaled it."""
    return next(iter(_running.values()), None)


def forget_scale() -> None:
    """Forget the scale of a backward pass that failed: none runs when a forward pass begins."""
    _running.clear()


def scale_of(scaler) -> Norm | None:
    """Return the scale of a GradScaler, without waiting for its device; None if it is off."""
    if not scaler.is_enabled():
        return None
    scale = getattr(scaler, "_scale", None)
    scale = _plain_scale(scaler, torch.ones(())) if scale is None else scale.detach().clone()
    return scale.item() if scale.device.type == "cpu" else scale


def _telling_scale(scaler, outputs):
    scaled = _plain_scale(scaler, outputs)
    _running.clear()
    if scaler.is_enabled():
        for tensor in tensors_in(scaled):
            if tensor.requires_grad:
                tensor.register_hook(lambda gradient: _tell(scaler))
    return scaled


def _tell(scaler) -> None:
    task = torch._C._current_graph_task_id()
    if task not in _running:
        _running[task] = scale_of(scaler)
        torch.autograd.Variable._execution_engine.queue_callback(lambda: _running.pop(task, None))
