"""Weight initialisations by name. Every run states its own: it moves a profile by decades."""

import math

from torch import nn

from gradflow.errors import GradflowError

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
# Var W of the normal initialisations, from fan-in and fan-out; biases are zero.
VARIANCES = {
    "xavier": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he": lambda fan_in, fan_out: 2 / fan_in,
    "lecun": lambda fan_in, fan_out: 1 / fan_in,
}


def initialize(model: nn.Module, name: str) -> None:
    """Initialise every convolution and linear layer of a model in place, from torch's global generator.

    Parameters
    ----------
    model : any module; other layers stay as they are.
    name : one of

        default      torch's own: uniform, Var W = 1/(3 fan_in), biases alike
        xavier       normal, Var W = 2/(fan_in + fan_out), zero biases (Glorot & Bengio 2010, eq. 12)
        he           normal, Var W = 2/fan_in, zero biases (He et al. 2015, eq. 10)
        he_fan_out   normal, Var W = 2/fan_out, zero biases (He et al. 2015, eq. 14): it keeps the gradient's size
        orthogonal   orthogonal rows or columns, times √2 for ReLU, zero biases (Saxe et al. 2014)
        lecun        normal, Var W = 1/fan_in, zero biases: what notebook 004's "He with nonlinearity='sigmoid'" is
        torchvision  torchvision's for VGG and ResNet: convolutions Var W = 2/fan_out; linear layers N(0, 0.01²) with
                     zero biases in a model that says so (VGG's `torchvision_linear_std`), else as torch makes them

    Raises
    ------
    GradflowError : an unknown name.
    """
    if name not in INITIALIZATIONS:
        raise GradflowError(f"init: {name!r} is not known; choose one of {', '.join(INITIALIZATIONS)}.")
    fill_conv, fill_linear = INITIALIZATIONS[name]
    std = getattr(model, "torchvision_linear_std", None)
    if name == "torchvision" and std is not None:
        fill_linear = _normal(lambda fan_in, fan_out: std**2)
    for module in model.modules():
        if isinstance(module, CONVOLUTIONS):
            fill_conv(module)
        elif isinstance(module, nn.Linear):
            fill_linear(module)


def _normal(variance):
    def fill(module: nn.Module) -> None:
        fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(module.weight)
        nn.init.normal_(module.weight, std=math.sqrt(variance(fan_in, fan_out)))
        if module.bias is not None:
            nn.init.zeros_(module.bias)

    return fill


def _keep(module: nn.Module) -> None:
    """Torch initialised it when it was made."""


def _orthogonal(module: nn.Module) -> None:
    nn.init.orthogonal_(module.weight, gain=math.sqrt(2))
    if module.bias is not None:
        nn.init.zeros_(module.bias)


_xavier, _he, _lecun = (_normal(VARIANCES[name]) for name in ("xavier", "he", "lecun"))
_he_fan_out = _normal(lambda fan_in, fan_out: 2 / fan_out)

# name -> how convolutions, and how linear layers, are filled
INITIALIZATIONS = {
    "default": (_keep, _keep),
    "xavier": (_xavier, _xavier),
    "he": (_he, _he),
    "he_fan_out": (_he_fan_out, _he_fan_out),
    "orthogonal": (_orthogonal, _orthogonal),
    "lecun": (_lecun, _lecun),
    "torchvision": (_he_fan_out, _keep),
}
