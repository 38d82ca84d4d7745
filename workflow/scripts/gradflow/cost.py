"""What a network costs: parameters, FLOPs and activation memory, by libraries, on the meta device."""

import ast
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import torch
import torchinfo
from torch.utils.flop_counter import FlopCounterMode

from gradflow.data.sources import get_source
from gradflow.labels import arm_labels
from gradflow.models.build import build
from gradflow.models.catalogue import CATALOGUE, Architecture
from gradflow.models.size import COUNTED, NETWORK

MEASURED = ("step_ms", "peak_memory_mb")
# What people read, in this order.
TITLES = {
    "network": "network",
    "parameters": "parameters",
    "unused": "of them unused",
    "mflop": "MFLOP per image",
    "activation_mib": "activations and their gradients per image, MiB",
    "parameters_full": "parameters at full width",
    "unused_full": "of them unused at full width",
    "mflop_full": "MFLOP per image at full width",
    "activation_mib_full": "activations and their gradients per image at full width, MiB",
    "step_ms": "ms per step, measured",
    "peak_memory_mb": "peak memory of the process, MiB, measured",
    "device": "device",
}


def cost(architecture: str | Architecture, classes: int, image_size: int, channels: int = 3, **options) -> dict:
    """Return `parameters`, those of them `unused` by any gradient, `mflop` and `activation_mib` of a network.

    mflop: 10⁶ FLOPs of one image's forward and backward pass, two a multiply-add, counted by torch.utils.flop_counter
    over matrix products and convolutions. activation_mib: the outputs of all layers with parameters for one image and
    their gradients, float32, torchinfo's "forward/backward pass size". Nothing is allocated: all is on the meta device.
    """
    shape = {"classes": classes, "channels": channels, "image_size": image_size}
    with torch.device("meta"):
        model = build(architecture, **shape, **options).eval()  # eval: batch norm accepts a batch of one
        image = torch.empty(1, channels, image_size, image_size)
    outputs = torchinfo.summary(model, input_data=image, device="meta", verbose=0).total_output_bytes
    with FlopCounterMode(display=False) as counter:
        model(image).sum().backward()
    trainable = [p for p in model.parameters() if p.requires_grad]
    return {
        "parameters": sum(p.numel() for p in trainable),
        "unused": sum(p.numel() for p in trainable if p.grad is None),
        "mflop": round(counter.get_total_flops() / 1e6, 1),
        "activation_mib": round(outputs / 2**20, 2),
    }


def cost_table(runs: Path, architectures: Mapping[str, Architecture] = CATALOGUE) -> pd.DataFrame:
    """Return one row a network and optimizer of the runs: cost at its own and at full width, and what was measured.

    runs: the table runs.csv. Step time and peak memory are medians over the runs of that row.
    """
    table = pd.read_csv(runs, dtype={"kernel": "Int64", "depth": "Int64"})
    names = [*NETWORK, *_own_options(table, architectures)]
    groups = list(table.groupby(names, sort=False, dropna=False))
    networks = [_network(dict(zip(names, point)), architectures) for point, _ in groups]
    rows, known = [], {}
    for label, network, (_, group) in zip(_labels(networks, architectures), networks, groups):
        measured = {name: round(group[name].median(), 1) for name in MEASURED}
        measured["device"] = ", ".join(sorted(set(group["device"].astype(str))))
        architecture = architectures[network["architecture"]]
        wide = {"width": 1.0} if "width" in architecture.options else {}
        channels = get_source(group["source"].iloc[0]).channels
        own, full = (_known_cost(architecture, network | width, channels, known) for width in ({}, wide))
        full = {f"{name}_full": value for name, value in full.items()}
        rows.append({"network": label} | network | own | full | measured)
    columns = ["network", *names, *COUNTED, *(f"{name}_full" for name in COUNTED), *MEASURED, "device"]
    return pd.DataFrame(rows).reindex(columns=columns)


def _own_options(table: pd.DataFrame, architectures: Mapping[str, Architecture]) -> list[str]:
    """The columns that are options of some architecture alone."""
    used = [architectures[name] for name in table["architecture"].unique()]
    options = dict.fromkeys(option for architecture in used for option in architecture.options)
    return [option for option in options if option in table.columns and option not in NETWORK]


def _network(point: dict, architectures: Mapping[str, Architecture]) -> dict:
    """What a row of a table says of a network: the settings that it has, its options as their defaults are."""
    options = architectures[point["architecture"]].options
    there = {name: value for name, value in point.items() if not pd.isna(value)}
    return {name: _typed(value, options[name]) if name in options else value for name, value in there.items()}


def _known_cost(architecture: Architecture, network: dict, channels: int, known: dict[str, dict]) -> dict:
    """The cost of a network, counted once; an optimizer costs nothing here."""
    options = {name: network[name] for name in architecture.options if name in network}
    sizes = {"classes": int(network["classes"]), "image_size": int(network["image_size"]), "channels": channels}
    key = repr((network["architecture"], sizes, options))
    if key not in known:
        known[key] = cost(architecture, **sizes, **options)
    return known[key]


def _typed(value, default):
    """An option as its default is, from what a table has of it."""
    if isinstance(default, list) or default is None:
        return ast.literal_eval(value) if isinstance(value, str) else value
    return type(default)(value)


def _labels(networks: list[dict], architectures: Mapping[str, Architecture]) -> list[str]:
    """Label networks by what a reader chose: an option that some architectures lack is not what sets them apart."""
    names = {name: architecture.label for name, architecture in architectures.items()}
    same = {n["architecture"]: [m for m in networks if m["architecture"] == n["architecture"]] for n in networks}
    return [
        label
        for network in networks
        for label, member in zip(arm_labels(same[network["architecture"]], names), same[network["architecture"]])
        if member is network
    ]
