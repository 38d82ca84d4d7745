"""Tools that run a model for another purpose than training it, which a recorder must not disturb."""

import torch

MODES_OF_TOOLS = ("FAKE", "PROXY", "FUNCTIONAL")  # under which torch.export and its like run a model


def is_under_a_tool() -> bool:
    """Tell whether torch.func, torch.export, jit or FX runs the model, whose tensors are not the training's."""
    if torch._C._functorch.peek_interpreter_stack() is not None or torch._C._get_tracing_state() is not None:
        return True
    if not torch._C._len_torch_dispatch_stack():
        return False
    keys = torch._C._TorchDispatchModeKey
    return any(torch._C._get_dispatch_mode(getattr(keys, mode)) is not None for mode in MODES_OF_TOOLS)
