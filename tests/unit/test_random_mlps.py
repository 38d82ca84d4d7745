"""Notebook 004's networks, drawn in batches: held to the one-network code and to what the notebook printed."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn.functional import mse_loss

from gradflow import GradflowError
from gradflow.models.build import build
from gradflow.propagation.notebook_004 import PRINTED
from gradflow.propagation.random_mlps import ACTIVATIONS, _parameters, backward, draw_norms


def seed_norms(model, x, y):
    """The notebook's own get_gradient_norms (cell 5)."""
    model.zero_grad()
    mse_loss(model(x), y).backward()
    return [p.grad.norm().item() for p in model.parameters()]


SHAPE = {"classes": 1, "channels": 10, "image_size": 1}  # notebook 004's ten inputs, one output


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_batched_gradients_equal_one_network_at_a_time(activation):
    generator = torch.Generator().manual_seed(0)
    parameters = _parameters([10, 6, 6, 1], "default", 4, generator)
    x = torch.randn(4, 20, 10, dtype=torch.float64, generator=generator)
    y = torch.randn(4, 20, 1, dtype=torch.float64, generator=generator)
    batched = [g.flatten(1).norm(dim=1) for g in backward(activation, parameters, x, y)]
    for draw in range(4):
        model = build("mlp", **SHAPE, units=6, depth=3, activation=activation).double()
        with torch.no_grad():
            for own, drawn in zip(model.parameters(), parameters):
                own.copy_(drawn[draw])
        expected = seed_norms(model, x[draw], y[draw])
        np.testing.assert_allclose([norm[draw].item() for norm in batched], expected, rtol=1e-10)


@pytest.mark.parametrize("init", ["default", "xavier", "he", "lecun"])
def test_draws_are_distributed_as_the_seeds_loop(init):
    torch.manual_seed(0)
    looped = np.array(
        [
            seed_norms(build("mlp", **SHAPE, activation="tanh", init=init), torch.randn(100, 10), torch.randn(100, 1))
            for _ in range(300)
        ]
    )
    drawn = draw_norms("tanh", init, draws=1000)
    for parameter in range(10):
        assert stats.ks_2samp(looped[:, parameter], drawn[:, parameter]).pvalue > 1e-4


@pytest.mark.parametrize("network", PRINTED)
def test_every_printed_norm_lies_in_the_1_to_99_percent_band(network):
    norms = draw_norms(*network, draws=8000)
    low, high = np.percentile(norms, [1, 99], axis=0)
    assert ((PRINTED[network] >= low) & (PRINTED[network] <= high)).all()


def test_the_seed_alone_decides_and_chunks_do_not_change_the_shape(monkeypatch):
    a, b, c = (draw_norms("relu", "he", draws=50, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(a, b) and not np.array_equal(a, c)
    monkeypatch.setattr("gradflow.propagation.random_mlps.ELEMENTS_AT_ONCE", 20_000)
    assert draw_norms("relu", "he", draws=50, depth=7).shape == (50, 14)


def test_deep_sigmoid_gradients_do_not_underflow():
    norms = draw_norms("sigmoid", "default", depth=50, draws=50)
    assert (norms > 0).all() and np.median(norms[:, 0]) < 1e-38


def test_an_unknown_init_is_refused():
    with pytest.raises(GradflowError, match="torchvision"):
        draw_norms("relu", "torchvision")
