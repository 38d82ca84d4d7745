"""The layers of a model: which are recorded, and what is known of each."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import ParametrizationList

from gradflow.errors import GradflowError

CONV_AND_LINEAR = (nn.modules.conv._ConvNd, nn.Linear)
PRODUCTS = (*CONV_AND_LINEAR, nn.Bilinear)  # modules whose output is what their `weight` is multiplied to
SEVERAL_MATRICES = (nn.MultiheadAttention, nn.RNNBase, nn.RNNCellBase)  # each parameter of two dimensions multiplies
LOOKED_UP = (nn.Embedding, nn.EmbeddingBag)
NORMS = (nn.LayerNorm, nn.RMSNorm, nn.GroupNorm, nn.modules.batchnorm._NormBase)


@dataclass(frozen=True)
class Layer:
    """What is known of a recorded layer; `depth` is its position in the forward order, -1 if it never ran."""

    name: str
    kind: str
    depth: int
    output_numel: int  # elements per sample, summed over the module's uses; 0 where the layer has no output of its own
    weight_numel: int
    fan_in: int


@dataclass(frozen=True, eq=False)
class Watched:
    """A weight to record, and the module that has it: what a column of a recording is about.

    parameter: its name in the module, "" for a module without a weight. has_output: whether the module's output is what
    the weight is multiplied to, if the module is called at all. certain: whether it is known to multiply before the
    model runs; others join the recording when the first forward pass shows that they do.
    """

    name: str
    module: nn.Module
    parameter: str = "weight"
    has_output: bool = True
    certain: bool = True


def layers_as_records(table: Iterable[Layer]) -> dict[str, list]:
    """Turn a recorder's table into columns, {field: values}."""
    rows = [asdict(layer) for layer in table]
    return {field: [row[field] for row in rows] for field in Layer.__dataclass_fields__}


def select_layers(model: nn.Module, layers: str | Sequence[str] | type | tuple[type, ...] | None) -> dict[str, Watched]:
    """Return what to record by name: modules or parameters that are named, modules of some types, or every matrix.

    None is every weight matrix that multiplies: those of convolutions, linear and bilinear layers, attention and
    recurrent layers, and other parameters of two dimensions and more, once a forward pass shows that they do.

    Raises GradflowError for a name that the model lacks, a weight that has no shape yet, and if nothing is left.
    """
    layers = (layers,) if isinstance(layers, str | type) else layers
    if layers is None:
        chosen = [found for name, module in model.named_modules() for found in _matrices(name, module)]
    elif layers and all(isinstance(kind, type) for kind in layers):
        modules = [(name, module) for name, module in model.named_modules() if isinstance(module, tuple(layers))]
        chosen = [found for name, module in modules for found in _recorded_as(name, module)]
    else:
        chosen = [found for name in layers for found in _named(model, name)]
    if not chosen:
        raise GradflowError(
            "GradientRecorder found no layer to record: name the layers, or the module types, to watch."
        )
    for one in chosen:
        weight = one.module._parameters.get(one.parameter)
        if weight is not None and is_lazy(weight):
            raise GradflowError(
                f"GradientRecorder: {one.name!r} ({type(one.module).__name__}) has no weight before its first input: "
                "pass one through the model first."
            )
    return {one.name: one for one in chosen}


def first_compiled(model: nn.Module) -> str | None:
    """Return the name of the first module that torch.compile compiled with layers inside; None if there is none."""
    for name, module in model.named_modules():
        inside = name == "" or next(module.children(), None) is not None
        if "_orig_mod" in module._modules or (inside and getattr(module, "_compiled_call_impl", None) is not None):
            return name
    return None


def describe_layer(watched: Watched, depth: int, output_numel: int) -> Layer:
    """Return what is known of a layer; fan-in is the number of inputs to one unit, 0 without a weight matrix."""
    shape = weight_shape(watched)
    kind = type(watched.module).__name__.removeprefix("Parametrized")
    return Layer(watched.name, kind, depth, output_numel, math.prod(shape) if shape else 0, _fan_in(watched, shape))


def weight_shape(watched: Watched) -> list[int]:
    """Return the shape of a layer's weight, empty for a layer without one. No parametrisation is evaluated."""
    module, name = watched.module, watched.parameter
    if name in _parametrizations(module):
        return _original_shape(module, name)
    candidates = (module._parameters.get(name), module.__dict__.get(name))
    return next((list(found.shape) for found in candidates if isinstance(found, torch.Tensor)), [])


def is_parametrized(watched: Watched) -> bool:
    """Tell whether the weight is computed anew from other parameters when it is used, as weight norm and pruning do."""
    return bool(watched.parameter) and watched.module._parameters.get(watched.parameter) is None


def _fan_in(watched: Watched, shape: list[int]) -> int:
    if len(shape) < 2:
        return 0
    if isinstance(watched.module, nn.modules.conv._ConvTransposeNd):  # [in, out / groups, *kernel], spread over strides
        module = watched.module
        return max(1, shape[0] // module.groups * math.prod(shape[2:]) // math.prod(module.stride))
    return math.prod(shape[1:])


def _matrices(name: str, module: nn.Module) -> list[Watched]:
    """Return the matrices of a module that multiply, or that may: a forward pass then tells."""
    if isinstance(module, PRODUCTS) and _has_weight(module):
        return [Watched(name, module)]
    if isinstance(module, (*LOOKED_UP, *NORMS)):
        return []
    if isinstance(module, ParametrizationList):
        return []  # its parts make the weight of the module that it belongs to
    certain = isinstance(module, SEVERAL_MATRICES)
    own = [n for n, w in module._parameters.items() if w is not None and (is_lazy(w) or w.dim() > 1)]
    found = [Watched(_of(name, one), module, one, has_output=False, certain=certain) for one in own]
    made = [n for n in _parametrizations(module) if len(_original_shape(module, n)) > 1]
    return found + [Watched(_of(name, one), module, one, has_output=False) for one in made]


def _recorded_as(name: str, module: nn.Module) -> list[Watched]:
    """Return what a module that was asked for is recorded by: its matrices if it has several, or its output."""
    if isinstance(module, SEVERAL_MATRICES):
        return _matrices(name, module)
    return [Watched(name, module, "weight" if _has_weight(module) else "")]


def _named(model: nn.Module, name: str) -> list[Watched]:
    modules = dict(model.named_modules(remove_duplicate=False))
    if name in modules:
        return _recorded_as(name, modules[name])
    owner, _, parameter = name.rpartition(".")
    if owner in modules and modules[owner]._parameters.get(parameter) is not None:
        return [Watched(name, modules[owner], parameter, has_output=False)]
    raise GradflowError(
        f"GradientRecorder: the model has no layer {name!r}; its layers are "
        f"{', '.join(n for n, m in modules.items() if isinstance(m, CONV_AND_LINEAR))}."
    )


def _parametrizations(module: nn.Module) -> nn.ModuleDict | tuple:
    return module._modules.get("parametrizations", ())


def _original_shape(module: nn.Module, name: str) -> list[int]:
    parts = module._modules["parametrizations"][name].parameters(recurse=False)
    return list(max(parts, key=torch.Tensor.numel).shape)  # of weight norm's two, the direction


def _has_weight(module: nn.Module) -> bool:
    if "weight" in _parametrizations(module):
        return True
    return isinstance(module._parameters.get("weight", module.__dict__.get("weight")), torch.Tensor)


def _of(module: str, parameter: str) -> str:
    return module if parameter == "weight" and module else f"{module}.{parameter}".lstrip(".")
