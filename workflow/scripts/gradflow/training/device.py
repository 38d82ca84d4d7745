"""Which device trains. Asked for and missing is an error; what was really used is written into every result."""

import os

import torch

from gradflow.errors import GradflowError


def choose_device(device: str, threads: int = 1) -> torch.device:
    """Return the torch device for "auto", "cpu" or "cuda", set up for repeatable arithmetic.

    Raises GradflowError if cuda is asked for and there is none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise GradflowError(
            "device: cuda was asked for, but torch finds no CUDA device here: "
            "check the driver, or set device to cpu or auto."
        )
    torch.set_num_threads(threads)
    if device == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.allow_tf32 = False  # torch's default; precision fp32 means fp32
    return torch.device("cuda")


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """Return the context of a run's precision, fp32 or bf16; fp32 is torch as it is."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
