"""The layers of a model: which are recorded, and what is known of each."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import nn

from gradflow.errors import GradflowError

CONV_AND_LINEAR = (nn.modules.conv._ConvNd, nn.Linear)


@dataclass(frozen=True)
class Layer:
    """What is known of a recorded layer; `depth` is its position in the forward order, -1 if it never ran."""

    name: str
    kind: str
    depth: int
    output_numel: int  # elements per sample, summed over the module's uses
    weight_numel: int
    fan_in: int


def layers_as_records(table: Iterable[Layer]) -> dict[str, list]:
    """Turn a recorder's table into columns, {field: values}."""
    rows = [asdict(layer) for layer in table]
    return {field: [row[field] for row in rows] for field in Layer.__dataclass_fields__}


def select_layers(model: nn.Module, layers: Sequence[str] | type | tuple[type, ...] | None) -> dict[str, nn.Module]:
    """Return the modules to record by name: those named, those of some types, or every convolution and linear layer.

    Raises GradflowError for a name that the model lacks, and if nothing is left to record.
    """
    modules = dict(model.named_modules())
    layers = (layers,) if isinstance(layers, type) else layers
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


def describe_layer(name: str, module: nn.Module, depth: int, output_numel: int) -> Layer:
    """Return what is known of a layer; fan-in is the number of inputs to one unit, 0 without a weight matrix."""
    weight = getattr(module, "weight", None)
    numel = weight.numel() if isinstance(weight, torch.Tensor) else 0
    fan_in = numel // weight.shape[0] if numel and weight.dim() > 1 else 0
    return Layer(name, type(module).__name__, depth, output_numel, numel, fan_in)


def weight_shapes(modules: dict[str, nn.Module]) -> dict[str, list[int]]:
    """Return the shape of each layer's weight by name, empty for a layer without one."""
    weights = {name: getattr(module, "weight", None) for name, module in modules.items()}
    return {name: list(weight.shape) if weight is not None else [] for name, weight in weights.items()}
