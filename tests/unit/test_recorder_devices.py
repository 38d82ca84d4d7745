"""Off the CPU a norm is a 0-d tensor that nothing waits for: the same rows come of it."""

import numpy as np
import pytest
import torch
from recorder_cases import X, net, squares
from torch import nn

from gradflow import GradflowError, GradientRecorder
from gradflow.recorder import gradients, norms, standing, weight_updates


@pytest.fixture
def as_on_a_device(monkeypatch):
    """Let every norm take the way that it takes off the CPU."""

    def several(tensors):
        return [norms._device_norm(tensor) for tensor in tensors]

    for module in (gradients, standing, weight_updates):
        monkeypatch.setattr(module, "l2_norm", norms._device_norm, raising=False)
        monkeypatch.setattr(module, "l2_norms", several, raising=False)


def plain(model, optimizer, recorder):
    optimizer.zero_grad()
    squares(model(X)).backward()


def zeroed_in_place(model, optimizer, recorder):
    squares(model(X)).backward()
    optimizer.zero_grad(set_to_none=False)
    squares(model(X)).backward()


def accumulated(model, optimizer, recorder):
    optimizer.zero_grad()
    for half in (X[:2], X[2:]):
        squares(model(half)).backward()


def clipped(model, optimizer, recorder):
    plain(model, optimizer, recorder)
    nn.utils.clip_grad_norm_(model.parameters(), 0.01)


def scaled(model, optimizer, recorder):
    optimizer.zero_grad()
    torch.amp.GradScaler("cpu", init_scale=64.0).scale(squares(model(X))).backward()


def train(step):
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with GradientRecorder(model, record=["applied_grad_norm", "activation_norm"]) as recorder:
        for _ in range(4):
            step(model, optimizer, recorder)
            recorder.step()
            optimizer.step()
            recorder.last()
            optimizer.zero_grad()
    return recorder


@pytest.mark.parametrize("step", [plain, zeroed_in_place, accumulated, clipped, scaled])
def test_rows_are_those_of_the_cpu(step, request):
    expected = train(step)
    request.getfixturevalue("as_on_a_device")
    found = train(step)
    assert isinstance(found._gradients.total, torch.Tensor)
    assert found.batch_sizes.tolist() == expected.batch_sizes.tolist()
    for name, array in expected.norms().items():
        np.testing.assert_allclose(found.norms()[name], array, rtol=1e-5, err_msg=name)
    np.testing.assert_allclose(found.recording().total_norms, expected.recording().total_norms, rtol=1e-5)


def test_what_is_refused_is_refused_there_too(as_on_a_device):
    model = net()
    with GradientRecorder(model) as recorder:
        squares(model(X)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1e-3)
        squares(model(X)).backward()
        with pytest.raises(GradflowError, match="after the last one"):
            recorder.step()
