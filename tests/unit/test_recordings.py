"""What people do with a recording: look at its newest row, leave steps out, keep it, draw it, be told of findings."""

import time

import numpy as np
import pytest
import torch
from recorder_cases import X, columns, inputs, loss_of, net, record, squares
from torch import nn

from gradflow import GradflowError, GradientRecorder, Recording
from gradflow.recorder.history import Rows


def train(steps, model=None, **settings):
    model = model or net()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with GradientRecorder(model, **settings) as recorder:
        for _ in range(steps):
            optimizer.zero_grad()
            loss_of(model).backward()
            recorder.step()
            optimizer.step()
    return recorder


@pytest.mark.parametrize("every", [2, 3, 10])
def test_every_nth_step_is_recorded_as_among_all(every):
    whole, some = train(21), train(21, every=every)
    assert some.steps.tolist() == list(range(0, 21, every))
    for name, array in whole.norms().items():
        np.testing.assert_array_equal(some.norms()[name], array[::every], err_msg=name)


def test_between_the_recorded_steps_nothing_is_hooked():
    model, counts = net(), []
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    hooks = torch.nn.modules.module._global_forward_hooks
    others = len(hooks)  # of recorders that tests before this one left open
    with GradientRecorder(model, every=5) as recorder:
        for _ in range(10):
            optimizer.zero_grad()
            output = model(X)
            counts.append(len(hooks) - others + bool(output._backward_hooks))
            squares(output).backward()
            recorder.step()
            optimizer.step()
    assert counts[2:5] == [0, 0, 0] and counts[0] and counts[5]


def test_the_newest_row_is_the_last_of_all_and_costs_no_more_after_many():
    recorder = train(5, record=["activation_norm"])
    for name, values in recorder.last().items():
        np.testing.assert_array_equal(values, recorder.norms()[name][-1])

    def seconds(rows, looks=200):
        history = Rows(("a", "b"), (), "mean")
        for step in range(rows):
            history.append([[1.0, 2.0]] * 5, step, 4, [8, 8], [4, 4], 1.0)
        started = time.perf_counter()
        for _ in range(looks):
            history.quantities(["a", "b"], np.float32, newest=True)
        return time.perf_counter() - started

    assert seconds(100_000) < 5 * seconds(1_000)  # where it grew, it would be a hundred times
    with pytest.raises(GradflowError, match="no row yet"):
        GradientRecorder(net()).last()


def test_norms_of_activations_and_the_share_of_zeros():
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(5, 40), nn.ReLU(), nn.Linear(40, 2)), inputs(6, 5)
    recorder = record(model, (x,), layers=(nn.Linear, nn.ReLU), record=["activation_norm", "zero_share"])
    z = model[0](x)
    assert recorder.layers == ["0", "1", "2"]
    norms, zeros = columns(recorder, "activation_norm"), columns(recorder, "zero_share")
    assert norms["0"] == pytest.approx(z.norm().item(), rel=1e-5)
    assert norms["1"] == pytest.approx(z.relu().norm().item(), rel=1e-5)
    assert zeros == {"0": 0.0, "1": pytest.approx((z <= 0).float().mean().item()), "2": 0.0}


def test_a_recording_is_kept_and_read_again(tmp_path):
    recorder = train(4)
    path = recorder.recording(who="a student").save(tmp_path / "mine")
    again = Recording.load(path)
    assert path.name == "mine.npz" and again.notes == {"who": "a student"} and again.table == recorder.table
    assert again.steps.tolist() == [0, 1, 2, 3] and again.batch_sizes.tolist() == [4] * 4
    for name, array in recorder.norms().items():
        np.testing.assert_array_equal(again.norms[name], array)
    with np.load(path, allow_pickle=False) as file:  # no object of Python's in it
        assert set(file.files) > {"grad_output_norm", "meta"}
    (tmp_path / "other.npz").write_bytes(b"no archive")
    for other, words in (("other.npz", "no recording that save"), ("nowhere.npz", "does not exist")):
        with pytest.raises(GradflowError, match=words):
            Recording.load(tmp_path / other)


def test_a_recording_is_a_table_and_a_picture():
    recorder = train(6)
    frame = recorder.to_frame()
    assert len(frame) == 12 and list(frame.columns[:3]) == ["step", "layer", "depth"]
    one = frame[(frame.step == 3) & (frame.layer == "2")]
    assert one.grad_output_norm.item() == recorder.norms()["grad_output_norm"][3, 1]
    figure = recorder.plot("relative_gradient")
    profile, heatmap = figure.axes[:2]
    assert "‖W‖" in profile.get_ylabel() and heatmap.get_images()
    assert [text.get_text() for text in profile.get_xticklabels()] == ["0", "2"]
    for quantity, words in (("nothing", "was not recorded"), ("nonfinite", "above zero")):
        with pytest.raises(GradflowError, match=words):
            recorder.plot(quantity)


class Chosen(nn.Module):
    """A network whose first layer's gradient is scaled as one likes."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.factor = nn.Linear(5, 5), nn.Linear(5, 2), 1.0

    def forward(self, x):
        hidden = torch.tanh(self.first(x))
        return self.second(hidden * self.factor + hidden.detach() * (1 - self.factor))


@pytest.mark.parametrize(
    ("factors", "words"),
    [
        ([1.0, 1e-9, 1e-9], "vanishes"),
        ([1e-4, 1e-4, 1.0, 1.0], "explodes"),
        ([1.0, 0.0, 0.0], "died"),
        ([1.0, float("nan"), 1.0], "turned non-finite"),
        ([1.0, 1.0, 1.0], None),
    ],
)
def test_a_finding_is_told_once(factors, words):
    model, told = Chosen(), []
    with GradientRecorder(model) as recorder:
        recorder.watch(on=told.append)
        for factor in factors:
            model.factor = factor
            model.zero_grad()
            squares(model(X)).backward()
            recorder.step()
    about_first = [text for text in told if "'first'" in text]
    assert len(about_first) == (words is not None)
    assert words is None or (words in about_first[0] and "step" in about_first[0])


def test_a_finding_is_a_warning_by_default():
    model = Chosen()
    model.factor = 0.0
    with GradientRecorder(model) as recorder:
        recorder.watch()
        squares(model(X)).backward()
        with pytest.warns(UserWarning, match="layer 'first' died"):
            recorder.step()
