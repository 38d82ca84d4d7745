"""Which device trains, and in which arithmetic. What is asked for and missing is an error."""

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
    """Return the context of a run's precision, fp32, fp64 or bf16; only bf16 is other than torch as it is."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def number_type(precision: str) -> torch.dtype:
    """Return the type of weights, images and losses: float64 for fp64, else float32; bf16 casts what it multiplies."""
    return torch.float64 if precision == "fp64" else torch.float32
