"""Depth at initialisation against closed forms and autograd: correlation, the branch's share, paths."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from gradflow.models.build import build
from gradflow.models.resnet import Block
from gradflow.propagation.depth_at_init import depth_at_init_table, depth_profile
from gradflow.propagation.path_lengths import along_path, path_share
from gradflow.propagation.residual_branches import branch_exponent
from gradflow.propagation.shattering import gradient_correlation

LABELS = torch.arange(6) % 3


def images(size=16, seed=0):
    return torch.randn(6, 3, size, size, generator=torch.Generator().manual_seed(seed))


def resnet(depth=8, **options):
    return build("cifar_resnet", classes=3, init="he", seed=0, width=0.25, depth=depth, **options)


def test_the_gradients_along_all_paths_add_up_to_the_whole_gradient():
    """Every subset of blocks is one path; with the forward pass left whole the gradient is their sum (Veit, eq. 6)."""
    model = resnet(batch_norm=False)
    blocks = [module for module in model.modules() if isinstance(module, Block)]
    x = images()
    stem = model.relu(model.conv1(x)).detach()
    caught = []
    handle = blocks[0].register_forward_pre_hook(lambda module, inputs: caught.append(inputs[0]))
    loss = cross_entropy(model(x), LABELS)
    handle.remove()
    (whole,) = torch.autograd.grad(loss, caught[0])
    parts = torch.zeros_like(stem)
    for size in range(len(blocks) + 1):
        for chosen in itertools.combinations(range(len(blocks)), size):
            with along_path(blocks, set(chosen)) as arrived:
                cross_entropy(model(x), LABELS).backward()
            parts += arrived[0]
    torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-8)


def test_paths_leave_the_model_as_it_was():
    model = resnet()
    before = cross_entropy(model(images()), LABELS)
    assert 0 <= path_share(model, images(), LABELS, 1, 2) <= 1
    assert path_share(model, images(), LABELS, 0, 3) == pytest.approx(1)
    assert cross_entropy(model(images()), LABELS).item() == before.item()
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_a_linear_network_has_gradients_that_do_not_shatter():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 3))
    assert gradient_correlation(model, images(), classes=3) == pytest.approx(1, abs=1e-6)


def test_a_network_that_is_sure_of_an_image_still_has_a_gradient_there():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 3))
    nn.init.normal_(model[1].weight, std=1e3)  # a softmax of these logits is flat in float32
    assert gradient_correlation(model, images(), classes=3) == pytest.approx(1, abs=1e-6)


def test_deep_plain_networks_shatter_and_residual_ones_less():
    def mean(skip):
        options = {"classes": 3, "init": "he", "width": 0.25, "depth": 56, "skip": skip, "batch_norm": False}
        models = [build("cifar_resnet", seed=seed, **options) for seed in range(3)]
        return np.mean([gradient_correlation(model, images(), 3, seed) for seed, model in enumerate(models)])

    assert mean(skip=False) < 0.5 < mean(skip=True)


def test_branches_of_one_variance_that_a_skip_adds_up_fall_as_one_over_the_root():
    """Batch norm gives every branch the variance 1, and an identity instead of ReLU adds them up exactly."""
    model = resnet(depth=56)
    for module in model.modules():
        if isinstance(module, Block):
            module.relu = nn.Identity()
    assert branch_exponent(model, images(size=32)) == pytest.approx(-0.5, abs=0.1)


def test_the_table_has_a_row_a_network_and_seed_and_says_what_the_recorder_says():
    table = depth_at_init_table(images(), LABELS, classes=3, depths=[8, 14], draws=2, width=0.25)
    assert len(table) == 2 * 2 * 2 * 2 and table["branch_exponent"].isna().all()  # too few blocks for a slope
    row = table.query("depth == 14 and skip and not batch_norm and seed == 1").iloc[0]
    model = build("cifar_resnet", classes=3, init="he", seed=1, width=0.25, depth=14, batch_norm=False)
    assert depth_profile(model, images(), LABELS)["decades"] == row["decades"]
    again = depth_at_init_table(images(), LABELS, classes=3, depths=[8, 14], draws=2, width=0.25)
    assert table.equals(again)
    assert not math.isnan(row["per_layer"])
