"""A recording resumed in another recorder goes on as if it had never been left."""

import copy
import io

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from gradflow import GradflowError, GradientRecorder
from gradflow.recorder.history import ROWS_ON_DEVICE
from gradflow.recorder.layers import Watched
from gradflow.recorder.weight_updates import WeightChanges
from gradflow.recorder.weights import weights_of


def network(width=6):
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, width, 3), nn.ReLU(), nn.Conv2d(width, 4, 3), nn.Flatten(), nn.Linear(4 * 4 * 4, 5)]
    return nn.Sequential(*layers)


def steps(model, recorder, numbers, optimizer):
    for number in numbers:
        generator = torch.Generator().manual_seed(number)
        images = torch.randn(2 + number % 3, 3, 8, 8, generator=generator)
        optimizer.zero_grad()
        cross_entropy(model(images), torch.arange(len(images)) % 5).backward()
        recorder.step()
        optimizer.step()


def through_a_file(state):
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=True)


@pytest.mark.parametrize("left", [0, 1, 2, 7])
@pytest.mark.parametrize("looked", [False, True], ids=["", "after norms() was looked at"])
def test_it_has_the_same_bits(left, looked):
    model = network()
    twin = copy.deepcopy(model)
    with GradientRecorder(model) as whole:
        steps(model, whole, range(8), torch.optim.SGD(model.parameters(), 0.1))
    optimizer = torch.optim.SGD(twin.parameters(), 0.1)
    with GradientRecorder(twin) as first:
        steps(twin, first, range(left), optimizer)
        if looked:
            first.norms()
        state = through_a_file(first.state())
    with GradientRecorder(twin) as second:
        second.restore(state)
        steps(twin, second, range(left, 8), optimizer)
    assert second.table == whole.table
    assert second.batch_sizes.tolist() == whole.batch_sizes.tolist()
    for name, array in whole.norms().items():
        assert array.tobytes() == second.norms()[name].tobytes(), name


def test_more_rows_than_the_device_keeps_are_kept_too():
    model = nn.Sequential(nn.Linear(1, 1))
    with GradientRecorder(model) as recorder:
        for _ in range(ROWS_ON_DEVICE + 5):
            model(torch.ones(1, 1)).sum().backward()
            recorder.step()
        state = through_a_file(recorder.state())
    again = GradientRecorder(model)
    again.restore(state)
    with again:
        pass
    for name, array in recorder.norms().items():
        assert array.tobytes() == again.norms()[name].tobytes(), name


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_weight_change_has_the_same_bits_whether_the_copies_are_kept_or_used_up(layout):
    torch.manual_seed(0)
    modules = {
        "large": nn.Conv2d(64, 128, 3).to(memory_format=layout),
        "small": nn.Linear(7, 5),
        "tiny values": nn.Linear(300, 40),
    }
    with torch.no_grad():
        modules["tiny values"].weight.mul_(1e-22)
    changes = WeightChanges(weights_of(Watched(name, module) for name, module in modules.items()))
    changes.take(compare=False)
    before = {name: module.weight.detach().double() for name, module in modules.items()}
    with torch.no_grad():
        for module in modules.values():
            module.weight.mul_(1.001)
    kept, (norms, used) = changes.since(), changes.take(compare=True)
    assert kept == used
    for name, module in modules.items():
        assert norms[name] == pytest.approx(module.weight.double().norm().item(), rel=1e-6)
        assert used[name] == pytest.approx((module.weight.double() - before[name]).norm().item(), rel=1e-5)


def test_a_recording_of_other_layers_is_refused_and_changes_nothing():
    model, other = network(), network(width=8)
    with GradientRecorder(model) as recorder:
        steps(model, recorder, range(2), torch.optim.SGD(model.parameters(), 0.1))
        state = recorder.state()
    for refusing in (GradientRecorder(other), GradientRecorder(model, ["0"])):
        with pytest.raises(GradflowError, match=r"other layers: it has 0 \[6, 3, 3, 3\], 2 .*, the model 0 \["):
            refusing.restore(state)
        assert len(refusing.batch_sizes) == 0


def test_a_state_inside_a_step_is_refused():
    model = network()
    with GradientRecorder(model) as recorder:
        model(torch.zeros(1, 3, 8, 8))
        with pytest.raises(GradflowError, match="inside a step: call it after step"):
            recorder.state()
