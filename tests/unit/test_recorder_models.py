"""Any module, any loop: what the recorder promises beyond plain networks in plain training."""

import copy

import numpy as np
import pytest
import torch
from test_recorder import batch, record
from torch import nn
from torch.nn.functional import cross_entropy

from gradflow import GradflowError, GradientRecorder
from gradflow.models.build import build
from gradflow.recorder.history import ROWS_ON_DEVICE
from gradflow.recorder.quantities import NAMES as QUANTITIES


def test_a_module_used_twice_takes_both_gradients():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 4)

        def forward(self, x):
            return self.linear(torch.tanh(self.linear(x)))

    torch.manual_seed(0)
    model, x = Twice(), torch.randn(3, 4)
    with GradientRecorder(model) as recorder:
        model(x).square().sum().backward()
        recorder.step()
    first = model.linear(x).detach().requires_grad_()
    second = model.linear(torch.tanh(first))
    gradients = torch.autograd.grad(second.square().sum(), (first, second))
    expected = torch.cat([gradient.flatten() for gradient in gradients]).norm().item()
    assert recorder.norms()["grad_output_norm"][0, 0] == pytest.approx(expected, rel=1e-5)
    assert recorder.table[0].output_numel == 8


def test_an_unused_layer_reads_nan_and_comes_last():
    model = build("resnet50", classes=10, width=0.0625, skip=False, seed=0)
    recorder = record(model, [batch()])
    unused = [layer.name for layer in recorder.table if layer.depth < 0]
    assert unused == [f"layer{i}.0.downsample.0" for i in range(1, 5)] == recorder.layers[-4:]
    norms = recorder.norms()
    assert np.isnan(norms["grad_output_norm"][0, -4:]).all() and np.isnan(norms["weight_grad_norm"][0, -4:]).all()
    assert (norms["nonfinite"] == 0).all()
    assert np.isfinite(norms["grad_output_norm"][0, :-4]).all()


def test_columns_stand_in_forward_order():
    recorder = record(build("resnet18", classes=10, width=0.0625, seed=0), [batch()])
    assert recorder.layers[:3] == ["conv1", "layer1.0.conv1", "layer1.0.conv2"]
    assert recorder.layers[-1] == "fc"
    assert recorder.layers.index("layer2.0.downsample.0") == recorder.layers.index("layer2.0.conv2") + 1
    assert [layer.depth for layer in recorder.table] == list(range(len(recorder.layers)))


def test_memory_layout_does_not_matter():
    model = build("vgg_deep", classes=10, width=0.25, init="he", seed=0)
    twin = copy.deepcopy(model).to(memory_format=torch.channels_last)
    images, labels = batch()
    a = record(model, [(images, labels)]).norms()
    b = record(twin, [(images.contiguous(memory_format=torch.channels_last), labels)]).norms()
    for quantity in ("grad_output_norm", "weight_grad_norm", "weight_norm"):
        np.testing.assert_allclose(a[quantity], b[quantity], rtol=1e-3)


def test_bfloat16_autocast_reads_close_to_float32():
    model = build("vgg_deep", classes=10, width=0.25, init="he", seed=0)
    images, labels = batch()
    exact = record(model, [(images, labels)]).norms()["grad_output_norm"]
    model.zero_grad()
    with GradientRecorder(model) as recorder:
        with torch.autocast("cpu", torch.bfloat16):
            loss = cross_entropy(model(images), labels)
        loss.backward()
        recorder.step()
    norms = recorder.norms()
    np.testing.assert_allclose(norms["grad_output_norm"], exact, rtol=0.03)
    assert norms["grad_output_norm"].dtype == np.float32


def test_a_gradient_of_1e_minus_25_is_not_zero():
    model = build("vgg_deep", classes=10, width=0.125, init="he", seed=0)
    images, labels = batch()
    plain = record(model, [(images, labels)]).norms()
    tiny = record(model, [(images, labels)], scale=1e-25).norms()
    for quantity in ("grad_output_norm", "weight_grad_norm"):
        np.testing.assert_allclose(tiny[quantity], 1e-25 * plain[quantity].astype(float), rtol=1e-3)


def test_nonfinite_elements_are_counted_exactly():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    with GradientRecorder(model) as recorder:
        out = model(torch.ones(2, 3))
        out.backward(torch.tensor([[float("nan"), 1.0], [float("inf"), 0.0]]))
        recorder.step()
    norms = recorder.norms()
    assert norms["nonfinite"][0].tolist() == [8, 2]
    assert not np.isfinite(norms["grad_output_norm"]).any()


def test_a_float16_scaler_is_divided_out_and_an_unknown_one_refused():
    model = build("mlp", classes=3, channels=5, image_size=1, depth=3, activation="relu", seed=0)
    x, labels = torch.randn(7, 5), torch.randint(3, (7,))
    plain = record(model, [(x, labels)]).norms()
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    model.zero_grad()
    with GradientRecorder(model, scaler=scaler) as recorder:
        scaler.scale(cross_entropy(model(x), labels)).backward()
        recorder.step()
    for quantity in ("grad_output_norm", "weight_grad_norm"):
        np.testing.assert_allclose(recorder.norms()[quantity], plain[quantity], rtol=1e-5)
    model.zero_grad()
    with GradientRecorder(model.half()) as recorder, pytest.raises(GradflowError, match="scaler"):
        model(x.half()).float().sum().backward()
        recorder.step()


def test_many_steps_leave_the_device_in_blocks_and_lose_nothing():
    model = nn.Sequential(nn.Linear(2, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    steps = 2 * ROWS_ON_DEVICE + 3
    with GradientRecorder(model) as recorder:
        for _ in range(steps):
            optimizer.zero_grad()
            model(torch.ones(1, 2)).sum().backward()
            recorder.step()
            optimizer.step()
    norms = recorder.norms()
    assert all(norms[quantity].shape == (steps, 1) for quantity in QUANTITIES)
    assert all(np.isfinite(norms[quantity]).all() for quantity in QUANTITIES)
    np.testing.assert_allclose(norms["update_ratio"], 0.01 * 2 / norms["weight_norm"], rtol=1e-2)


def test_layers_can_be_named_or_chosen_by_type():
    model = build("resnet18", classes=10, width=0.0625, seed=0)
    assert record(model, [batch()], layers=["fc", "conv1"]).layers == ["conv1", "fc"]
    norm_layers = record(model, [batch()], layers=(nn.BatchNorm2d,))
    assert norm_layers.layers[0] == "bn1" and np.isfinite(norm_layers.norms()["update_ratio"]).all()


def test_a_frozen_weight_reads_nan():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight.requires_grad_(False)
    norms = record(model, [(torch.ones(2, 2), torch.zeros(2, dtype=torch.long))]).norms()
    assert np.isfinite(norms["grad_output_norm"]).all()
    assert np.isnan(norms["weight_grad_norm"][0]).tolist() == [False, True]


def test_an_abandoned_step_leaves_nothing_in_the_next():
    model = nn.Sequential(nn.Linear(2, 2))
    recorder = GradientRecorder(model)
    with recorder:
        model(torch.ones(8, 2)).sum().backward()
    model.zero_grad()
    with recorder:
        model(torch.ones(1, 2)).sum().backward()
        recorder.step()
    norms = recorder.norms()
    assert recorder.batch_sizes.tolist() == [1] and norms["update_ratio"][0, 0] == 0
    assert norms["grad_output_norm"][0, 0] == pytest.approx(2**0.5)


def test_a_layer_first_used_later_joins_the_forward_order():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    late = model[1]
    with GradientRecorder(model) as recorder:
        model[1] = nn.Identity()
        model(torch.ones(1, 2)).sum().backward()
        recorder.step()
        model[1] = late
        model(torch.ones(1, 2)).sum().backward()
        recorder.step()
    assert [layer.depth for layer in recorder.table] == [0, 1]
    assert np.isnan(recorder.norms()["grad_output_norm"][:, 1]).tolist() == [True, False]


def test_nothing_is_left_behind_after_the_with_block():
    model = build("mlp", classes=1, image_size=2)
    with GradientRecorder(model):
        pass
    assert not model._forward_pre_hooks and not any(m._forward_hooks for m in model.modules())


def test_iterators_among_inputs_and_outputs_are_left_alone():
    class Generating(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(5, 2)

        def forward(self, x, numbers):
            return (self.layer(x + number) for number in range(3))

    model, numbers = Generating(), iter([1, 2])
    with GradientRecorder(model) as recorder:
        outputs = list(model(torch.ones(4, 5), numbers))
        sum(output.square().sum() for output in outputs).backward()
        recorder.step(batch_size=12)
    assert len(outputs) == 3 and list(numbers) == [1, 2]
