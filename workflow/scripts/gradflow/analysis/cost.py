"""What a network costs: parameters, FLOPs and activation memory, by libraries, on the meta device."""

import json
from collections.abc import Mapping

import pandas as pd
import torch
import torchinfo
from torch.utils.flop_counter import FlopCounterMode

from gradflow.analysis.schemas import NETWORK, TABLES
from gradflow.labels import arm_labels
from gradflow.models.build import build
from gradflow.models.catalogue import CATALOGUE, Architecture
from gradflow.models.size import without_memory
from gradflow.runs import MODEL_OPTIONS

MEASURED = ("step_ms", "peak_memory_mb")
# What people read, in this order.
TITLES = {
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
}


def cost(architecture: str | Architecture, classes: int, image_size: int, channels: int = 3, **options) -> dict:
    """Return `parameters`, those of them `unused` by any gradient, `mflop` and `activation_mib` of a network.

    mflop: 10⁶ FLOPs of one image's forward and backward pass, two a multiply-add, counted by torch.utils.flop_counter
    over matrix products and convolutions. activation_mib: the outputs of all layers with parameters for one image and
    their gradients, float32, torchinfo's "forward/backward pass size". Nothing is allocated: all is on the meta device.
    """
    shape = {"classes": classes, "channels": channels, "image_size": image_size}

    def count(device: str) -> dict:
        model = build(architecture, **shape, **options).eval()  # eval: batch norm accepts a batch of one
        image = torch.zeros(1, channels, image_size, image_size)
        outputs = torchinfo.summary(model, input_data=image, device=device, verbose=0).total_output_bytes
        with FlopCounterMode(display=False) as counter:
            model(image).sum().backward()
        trainable = [p for p in model.parameters() if p.requires_grad]
        return {
            "parameters": sum(p.numel() for p in trainable),
            "unused": sum(p.numel() for p in trainable if p.grad is None),
            "mflop": round(counter.get_total_flops() / 1e6, 1),
            "activation_mib": round(outputs / 2**20, 2),
        }

    return without_memory(count)


def cost_table(runs: pd.DataFrame, architectures: Mapping[str, Architecture] = CATALOGUE) -> pd.DataFrame:
    """Return one row a network and optimizer of the runs: cost at its own and at full width, and what was measured.

    runs: the table `runs`. Step time and peak memory are medians over the runs of that row.
    """
    groups = list(runs.groupby(list(NETWORK), sort=False, dropna=False))
    networks = [{key: value for key, value in zip(NETWORK, point) if not pd.isna(value)} for point, _ in groups]
    rows, known = [], {}
    for label, network, (_, group) in zip(_labels(networks, architectures), networks, groups):
        measured = {name: round(group[name].median(), 1) for name in MEASURED}
        measured["device"] = ", ".join(sorted(set(group["device"].astype(str))))
        architecture = architectures[network["architecture"]]
        wide = {"width": 1.0} if "width" in architecture.options else {}
        own, full = (_known_cost(architecture, network | width, known) for width in ({}, wide))
        full = {f"{name}_full": value for name, value in full.items()}
        rows.append({"network": label} | network | own | full | measured)
    return pd.DataFrame(rows, columns=list(TABLES["cost"].columns))


def by_architecture(table: pd.DataFrame, architectures: Mapping[str, Architecture] = CATALOGUE) -> pd.DataFrame:
    """Return a row an architecture of the table of costs, as people read it: from the least to the most of each number.

    table: as `cost_table` returns it; "–" is what was not measured. The columns have their TITLES.
    """
    rows = []
    for name, some in table.groupby("architecture", sort=False, observed=True):
        ranges = {title: _from_least_to_most(some[column]) for column, title in TITLES.items()}
        devices = ", ".join(sorted({one for said in some["device"] for one in said.split(", ")}))
        rows.append({"architecture": architectures[name].label, "networks": len(some)} | ranges | {"device": devices})
    return pd.DataFrame(rows)


def _from_least_to_most(values: pd.Series) -> str:
    ends = dict.fromkeys(f"{value:,.10g}" for value in (values.min(), values.max()) if not pd.isna(value))
    return " to ".join(ends) or "–"


def _known_cost(architecture: Architecture, network: dict, known: dict[str, dict]) -> dict:
    """The cost of a network, counted once; an optimizer costs nothing here."""
    options = {name: network[name] for name in MODEL_OPTIONS if name in network} | _own_options(network)
    sizes = {name: int(network[name]) for name in ("classes", "image_size", "channels")}
    key = repr((network["architecture"], sizes, options))
    if key not in known:
        known[key] = cost(architecture, **sizes, **options)
    return known[key]


def _own_options(network: dict) -> dict:
    """The options that are its architecture's alone."""
    return json.loads(network.get("options", "{}"))


def _labels(networks: list[dict], architectures: Mapping[str, Architecture]) -> list[str]:
    """Label networks by what a reader chose: an option that some architectures lack is not what sets them apart."""
    names = {name: architecture.label for name, architecture in architectures.items()}
    same = {n["architecture"]: [m for m in networks if m["architecture"] == n["architecture"]] for n in networks}
    labels = {}
    for members in same.values():
        points = [{key: value for key, value in m.items() if key != "options"} | _own_options(m) for m in members]
        labels |= dict(zip(map(id, members), arm_labels(points, names)))
    return [labels[id(network)] for network in networks]
