"""Torch as a recorder finds it: its hooks on all modules, and tools that run a model for another purpose."""

from collections.abc import Callable
from inspect import signature

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook

from gradflow.errors import GradflowError

MODES_OF_TOOLS = ("FAKE", "PROXY", "FUNCTIONAL")  # under which torch.export and its like run a model


def is_under_a_tool() -> bool:
    """Tell whether torch.func, torch.export, jit or FX runs the model, whose tensors are not the training's."""
    if torch._C._functorch.peek_interpreter_stack() is not None or torch._C._get_tracing_state() is not None:
        return True
    if not torch._C._len_torch_dispatch_stack():
        return False
    keys = torch._C._TorchDispatchModeKey
    return any(torch._C._get_dispatch_mode(getattr(keys, mode)) is not None for mode in MODES_OF_TOOLS)


def register(hook: Callable):
    """Call a hook after each module's call; before torch 2.6 it is not told of inputs by keyword."""
    if "with_kwargs" in signature(register_module_forward_hook).parameters:
        return register_module_forward_hook(hook, with_kwargs=True)
    older = lambda module, args, output: hook(module, args, {}, output)  # noqa: E731
    older._torchdynamo_disable = True
    return register_module_forward_hook(older)


def refuse_output(name: str, module: nn.Module, output) -> None:
    """Raise GradflowError for an output that is not one tensor, unless FX runs the model."""
    if type(output).__module__.startswith("torch.fx"):
        return
    raise GradflowError(
        f"GradientRecorder: the output of {name!r} ({type(module).__name__}) is not one tensor but a "
        f"{type(output).__name__}: record layers inside it, by name."
    )
