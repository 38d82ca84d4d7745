"""Finite width: the spread of a gradient's size over draws is the theory's, and what was measured over draws."""

import math

import numpy as np
import pytest
import torch
from explained import LABELS, images, mlp
from torch import nn

from gradflow import build, explain


@pytest.mark.parametrize(("depth", "width"), [(8, 64), (20, 128)])
def test_the_spread_of_one_sample_is_hanin_and_nicas(depth, width):
    spreads = []
    for seed in range(6):
        torch.manual_seed(seed)
        result = explain(mlp(nn.ReLU, depth, width), torch.randn(1, width), LABELS[:1], first_seed=seed, pure=False)
        spreads.append(result.layers[0].spread)
    theory = math.sqrt(5 * (depth - 1) / width) / 2 / math.log(10)  # Var ln |δ|² = 5 Σ 1/n
    assert np.mean(spreads) == pytest.approx(theory, rel=0.15)


@pytest.mark.parametrize("init", ["default", "he"])
def test_the_spread_of_a_vgg_is_what_draws_differ_by(init):
    builder = lambda: build("vgg13", classes=10, width=0.125, init=init)  # noqa: E731
    result = explain(builder, images(32), LABELS, seeds=24, probes=2, pure=False, remedies=False)
    ratios = []
    for seed in range(24):
        one = explain(builder, images(32), LABELS, first_seed=seed, probes=1, pure=False, remedies=False)
        ratios.append(one.decades["measured"])
    assert np.std(ratios, ddof=1) == pytest.approx(result.layers[0].spread, rel=0.6)
    spreads = [layer.spread for layer in result.layers]
    assert spreads == sorted(spreads, reverse=True) and spreads[-1] == 0  # it adds up on the way to the input


def test_a_layer_beside_the_path_has_no_spread():
    result = explain(build("resnet18", classes=10, width=0.125), images(32), LABELS, pure=False)
    spreads = {layer.name: layer.spread for layer in result.layers}
    assert spreads["layer2.0.downsample.0"] is None and spreads["conv1"] > 0


def test_the_head_is_told_apart_from_the_convolutions():
    torch.manual_seed(0)
    result = explain(build("vgg_deep", classes=10, width=0.125, init="he"), images(32), LABELS, pure=False)
    norms = {layer.name: layer.measured for layer in result.layers}
    assert result.head.below == "features.22"
    assert result.head.measured == pytest.approx(math.log10(norms["features.22"] / norms["classifier.4"]))
    assert f"{result.head.measured:+.2f} lie in the head, above the last convolution (features.22)" in str(result)
    assert result.to_dict()["head"]["below"] == "features.22" and math.isfinite(result.to_dict()["per_layer"])
    assert explain(mlp(nn.ReLU, 4, 32), torch.randn(16, 32), LABELS, pure=False).head is None
    residual = explain(build("resnet18", classes=10, width=0.125), images(32), LABELS, pure=False)
    assert residual.head.below == "layer4.1.conv2"  # the last in forward order, though it lies in a branch
