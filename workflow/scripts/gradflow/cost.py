"""What a network costs: parameters, FLOPs and activation memory, by libraries, on the meta device."""

from pathlib import Path

import pandas as pd
import torch
import torchinfo
from torch.utils.flop_counter import FlopCounterMode

from gradflow.labels import arm_labels
from gradflow.measures import COUNTED, NETWORK
from gradflow.models import build
from gradflow.runs import MODEL_OPTIONS

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


def cost(architecture: str, classes: int, image_size: int, **options) -> dict:
    """Return `parameters`, those of them `unused` by any gradient, `mflop` and `activation_mib` of a network.

    mflop: 10⁶ FLOPs of one image's forward and backward pass, two a multiply-add, counted by torch.utils.flop_counter
    over matrix products and convolutions. activation_mib: the outputs of all layers with parameters for one image and
    their gradients, float32, torchinfo's "forward/backward pass size". Nothing is allocated: all is on the meta device.
    """
    with torch.device("meta"):
        model = build(architecture, classes=classes, **options).eval()  # eval: batch norm accepts a batch of one
        image = torch.empty(1, 3, image_size, image_size)
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


def cost_table(runs: Path) -> pd.DataFrame:
    """Return one row a network and optimizer of the runs: cost at its own and at full width, and what was measured.

    runs: the table runs.csv. Step time and peak memory are medians over the runs of that row.
    """
    table = pd.read_csv(runs, dtype={"kernel": "Int64", "depth": "Int64"})
    groups = list(table.groupby(list(NETWORK), sort=False, dropna=False))
    networks = [{key: value for key, value in zip(NETWORK, point) if not pd.isna(value)} for point, _ in groups]
    rows, known = [], {}
    for label, network, (_, group) in zip(_labels(networks), networks, groups):
        measured = {name: round(group[name].median(), 1) for name in MEASURED}
        measured["device"] = ", ".join(sorted(set(group["device"].astype(str))))
        own, full = (_known_cost(network | width, known) for width in ({}, {"width": 1.0}))
        full = {f"{name}_full": value for name, value in full.items()}
        rows.append({"network": label} | network | own | full | measured)
    columns = ["network", *NETWORK, *COUNTED, *(f"{name}_full" for name in COUNTED), *MEASURED, "device"]
    return pd.DataFrame(rows).reindex(columns=columns)


def _known_cost(network: dict, known: dict[str, dict]) -> dict:
    """The cost of a network, counted once; an optimizer costs nothing here."""
    options = {key: network[key] for key in MODEL_OPTIONS if key in network}
    sizes = {"classes": int(network["classes"]), "image_size": int(network["image_size"])}
    key = repr((network["architecture"], sizes, options))
    if key not in known:
        known[key] = cost(network["architecture"], **sizes, **options)
    return known[key]


def _labels(networks: list[dict]) -> list[str]:
    """Label networks by what a reader chose: an option that some architectures lack is not what sets them apart."""
    same = {n["architecture"]: [m for m in networks if m["architecture"] == n["architecture"]] for n in networks}
    return [
        label
        for network in networks
        for label, member in zip(arm_labels(same[network["architecture"]]), same[network["architecture"]])
        if member is network
    ]
