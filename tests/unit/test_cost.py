"""Costs agree with published counts and stand any mixture of settings."""

import pandas as pd
import pytest

from gradflow.analysis.cost import by_architecture, cost, cost_table
from gradflow.runs import MODEL_OPTIONS


def test_vgg16_at_224_pixels_costs_what_is_published():
    counted = cost("vgg16", 1000, 224)
    assert counted["parameters"] == 138_357_544 and counted["unused"] == 0
    # 15.47 G multiply-adds forward (torchvision); backward twice that, but for the gradient of the image
    assert counted["mflop"] == pytest.approx(2 * 15.47e3 * 3, rel=0.01)
    assert counted["activation_mib"] == pytest.approx(108.45e6 / 2**20, rel=0.001)  # torchinfo's README


def test_resnet50_and_vgg19_cost_what_is_published():
    resnet, vgg = cost("resnet50", 1000, 224), cost("vgg19", 1000, 224)
    assert resnet["parameters"] == 25_557_032 and vgg["parameters"] == 143_667_240
    assert resnet["mflop"] == pytest.approx(2 * 4.09e3 * 3, rel=0.02)
    assert vgg["mflop"] == pytest.approx(2 * 19.63e3 * 3, rel=0.01)


def test_unused_projections_are_counted_apart():
    counted = cost("resnet50", 200, 64, skip=False)
    assert counted["parameters"] == 23_917_832 and counted["parameters"] - counted["unused"] == 21_141_256


def test_a_table_of_mixed_settings_has_a_row_a_network_and_optimizer():
    shared = dict.fromkeys(MODEL_OPTIONS) | {"width": 0.25, "image_size": 32, "classes": 10, "optimizer": "sgd"}
    shared |= {"channels": 3, "options": None}
    measured = {"step_ms": 1.0, "peak_memory_mb": 100.0, "device": "cpu"}
    rows = [
        {"architecture": "vgg_deep", "kernel": 5, "batch_norm": True},
        {"architecture": "vgg_deep", "kernel": 3, "batch_norm": False},
        {"architecture": "resnet18", "skip": True, "batch_norm": True},
        {"architecture": "resnet18", "skip": True, "batch_norm": True, "optimizer": "adam"},
    ]
    table = cost_table(pd.DataFrame([shared | measured | row for row in rows]).convert_dtypes())
    assert list(table["network"]) == ["VGG-Deep, 5×5, BN", "VGG-Deep, 3×3, no BN", "ResNet-18, SGD", "ResNet-18, Adam"]
    full = {"kernel": 5, "batch_norm": True, "width": 1.0}
    assert table["parameters_full"].iloc[0] == cost("vgg_deep", 10, 32, **full)["parameters"]
    assert table["parameters"].iloc[0] == cost("vgg_deep", 10, 32, **full | {"width": 0.25})["parameters"]
    assert set(MODEL_OPTIONS) <= set(table.columns)  # even those that no network of the runs has


def test_people_read_a_row_an_architecture_from_the_least_to_the_most():
    """Of what all its networks share the number alone, of what was not measured a dash."""
    shared = {"unused": 0, "mflop": 1.5, "activation_mib": 2.0, "unused_full": 0, "mflop_full": 1e6, "device": "cpu"}
    shared |= {"activation_mib_full": 2.0, "step_ms": float("nan"), "parameters_full": 7}
    rows = [
        shared | {"architecture": "vgg_deep", "parameters": 1234567, "peak_memory_mb": 10.5},
        shared | {"architecture": "resnet18", "parameters": 5, "peak_memory_mb": 1.0},
        shared | {"architecture": "vgg_deep", "parameters": 89, "peak_memory_mb": 9.0, "device": "cpu, Tesla"},
    ]
    table = by_architecture(pd.DataFrame(rows)).set_index("architecture")
    assert list(table["networks"]) == [2, 1] and list(table.index) == ["VGG-Deep", "ResNet-18"]
    assert list(table["parameters"]) == ["89 to 1,234,567", "5"] and table.at["VGG-Deep", "device"] == "Tesla, cpu"
    assert list(table["peak memory of the process, MiB, measured"]) == ["9 to 10.5", "1"]
    assert list(table["MFLOP per image at full width"]) == ["1,000,000"] * 2
    assert list(table["ms per step, measured"]) == ["–"] * 2
