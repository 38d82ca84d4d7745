"""A weight that is computed from others (weight norm, spectral norm, pruning) is recorded as it multiplies."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from recorder_cases import inputs, record, squares
from recorder_networks import KINDS, weight_normed
from torch import nn

from gradflow import GradientRecorder


@pytest.mark.parametrize("kind", KINDS)
def test_a_computed_weight_is_recorded_as_it_multiplies(kind):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))
    kind(model)
    x, seen = inputs(4, 5), []
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    def product(module, args, output):  # ∂L/∂W of the weight that multiplied, by autograd: the sum of δ xᵀ
        output.register_hook(lambda gradient: seen.append((gradient.double().T @ args[0].double()).norm().item()))

    model[0].register_forward_hook(product)
    weights = []
    with GradientRecorder(model) as recorder:
        for _ in range(3):
            optimizer.zero_grad()
            squares(model(x)).backward()
            recorder.step()
            weights.append(recorder._gradients._weights["0"].value.detach().clone())
            optimizer.step()
        model(x)
        recorder.norms()
        weights.append(recorder._gradients._weights["0"].value.detach().clone())
    norms = recorder.norms()
    assert recorder.layers == ["0", "2"] and recorder.table[0].weight_numel == 40 and recorder.table[0].fan_in == 5
    np.testing.assert_allclose(norms["weight_grad_norm"][:, 0], seen, rtol=1e-5)
    np.testing.assert_allclose(norms["weight_norm"][:, 0], [w.norm().item() for w in weights[:3]], rtol=1e-5)
    changes = [(b - a).norm().item() / a.norm().item() for a, b in pairwise(weights)]
    np.testing.assert_allclose(norms["update_ratio"][:, 0], changes, rtol=1e-3, atol=1e-6)


def test_accumulated_gradients_of_a_computed_weight_add_up():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))
    weight_normed(model)
    x = inputs(8, 5)
    whole = record(model, (x,), loss=lambda output: output.square().mean())
    model.zero_grad()
    with GradientRecorder(model) as recorder:
        for half in (x[:4], x[4:]):
            (model(half).square().mean() / 2).backward()
        recorder.step()
    np.testing.assert_allclose(recorder.norms()["weight_grad_norm"], whole.norms()["weight_grad_norm"], rtol=1e-5)
