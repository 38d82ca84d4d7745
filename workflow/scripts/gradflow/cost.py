"""What a network costs: parameters and floating-point operations, from libraries and on the meta device."""

from pathlib import Path

import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

from gradflow.labels import arm_labels
from gradflow.models import build
from gradflow.runs import MODEL_OPTIONS


def cost(architecture: str, classes: int, image_size: int, **options) -> tuple[int, int, int]:
    """Return the trainable parameters, those of them that never get a gradient, and the FLOPs per image.

    FLOPs of one forward and backward pass, two a multiply-add, counted by torch.utils.flop_counter over matrix products
    and convolutions. Nothing is allocated: the network lives on the meta device.
    """
    with torch.device("meta"):
        model = build(architecture, classes=classes, **options).eval()  # eval: batch norm accepts a batch of one
        image = torch.empty(1, 3, image_size, image_size)
    with FlopCounterMode(display=False) as counter:
        model(image).sum().backward()
    trainable = [p for p in model.parameters() if p.requires_grad]
    unused = sum(p.numel() for p in trainable if p.grad is None)
    return sum(p.numel() for p in trainable), unused, counter.get_total_flops()


def cost_table(runs: Path) -> pd.DataFrame:
    """Return one row a network and optimizer of the runs: cost at its own and at full width, and what was measured.

    runs: the table runs.csv. Step time and peak memory are medians over the runs of that row.
    """
    table = pd.read_csv(runs, dtype={"kernel": "Int64", "depth": "Int64"})
    keys = ["architecture", *MODEL_OPTIONS, "image_size", "classes", "optimizer"]
    groups = list(table.groupby(keys, sort=False, dropna=False))
    networks = [{key: value for key, value in zip(keys, point) if not pd.isna(value)} for point, _ in groups]
    rows = []
    for label, network, (_, group) in zip(_labels(networks), networks, groups):
        options = {key: network[key] for key in MODEL_OPTIONS if key in network}
        size = {"classes": int(network["classes"]), "image_size": int(network["image_size"])}
        parameters, unused, flops = cost(network["architecture"], **size, **options)
        full_parameters, full_unused, full_flops = cost(network["architecture"], **size, **options | {"width": 1.0})
        rows.append(
            {
                "network": label,
                "parameters": parameters,
                "of them unused": unused,
                "MFLOP per image": round(flops / 1e6, 1),
                "parameters at full width": full_parameters,
                "of them unused at full width": full_unused,
                "MFLOP per image at full width": round(full_flops / 1e6, 1),
                "ms per step, measured": round(group["step_ms"].median(), 1),
                "peak memory of the process, MiB": round(group["peak_memory_mb"].median()),
                "device": ", ".join(sorted(set(group["device"].astype(str)))),
            }
        )
    return pd.DataFrame(rows)


def _labels(networks: list[dict]) -> list[str]:
    """Label networks by what a reader chose: an option that some architectures lack is not what sets them apart."""
    same = {n["architecture"]: [m for m in networks if m["architecture"] == n["architecture"]] for n in networks}
    return [
        label
        for network in networks
        for label, member in zip(arm_labels(same[network["architecture"]]), same[network["architecture"]])
        if member is network
    ]
