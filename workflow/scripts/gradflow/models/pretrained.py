"""Weights that others trained, as a starting point."""

import pickle
from pathlib import Path

import torch
from torch import nn

from gradflow.errors import GradflowError

HEAD = "classifier.6"  # VGG's last layer: its classes are ImageNet's


def load_pretrained(model: nn.Module, weights: Path | None) -> None:
    """Load torchvision's ImageNet weights of VGG19 into a model, all but the last layer, as notebook 000 does.

    Raises GradflowError if the file is missing or holds other weights.
    """
    if weights is None:
        raise GradflowError("init: pretrained needs the file of the weights; give it as `weights`.")
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        kept = {name: tensor for name, tensor in state.items() if not name.startswith(f"{HEAD}.")}
        missing, unexpected = model.load_state_dict(kept, strict=False)
    except (OSError, RuntimeError, AttributeError, pickle.UnpicklingError) as error:
        raise GradflowError(f"{weights} does not hold weights of VGG19 ({str(error).splitlines()[0]}).") from error
    if unexpected or set(missing) != {f"{HEAD}.weight", f"{HEAD}.bias"}:
        raise GradflowError(f"{weights} does not hold the weights of VGG19: layers are missing, or are others.")
