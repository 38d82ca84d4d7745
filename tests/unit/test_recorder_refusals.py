"""What the recorder cannot record rightly it refuses, in one sentence."""

import pytest
import torch
from torch import nn

from gradflow import GradflowError, GradientRecorder
from gradflow.models.build import build


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda m: GradientRecorder(torch.compile(m)), "compiled"),
        (lambda m: GradientRecorder(m, ["nowhere"]), "no layer 'nowhere'"),
        (lambda m: GradientRecorder(m, (nn.LSTM,)), "no layer to record"),
        (lambda m: GradientRecorder(m, reduction="max"), "reduction"),
        (lambda m: GradientRecorder(m).__enter__().step(), "after loss.backward"),
        (lambda m: GradientRecorder(m).__enter__().__enter__(), "already recording"),
    ],
)
def test_refuses_in_one_sentence_what_it_cannot_record(make, words):
    with pytest.raises(GradflowError, match=words) as caught:
        make(build("mlp", classes=1, channels=10, image_size=1))
    assert "\n" not in str(caught.value)


def test_a_part_called_without_the_model_is_refused():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    with GradientRecorder(model) as recorder:
        model[1](torch.ones(1, 2)).sum().backward()
        with pytest.raises(GradflowError, match="never called"):
            recorder.step()


def test_two_backward_passes_through_one_forward_pass_are_refused():
    model = nn.Sequential(nn.Linear(2, 2))
    with GradientRecorder(model) as recorder:
        out = model(torch.ones(1, 2))
        out.sum().backward(retain_graph=True)
        out.square().sum().backward()
        with pytest.raises(GradflowError, match="add the losses"):
            recorder.step()
    assert recorder.layers == ["0"]


def test_a_step_after_zero_grad_is_refused():
    model = nn.Sequential(nn.Linear(2, 2))
    with GradientRecorder(model) as recorder:
        model(torch.ones(1, 2)).sum().backward()
        model.zero_grad()
        with pytest.raises(GradflowError, match=r"before zero_grad\(\)"):
            recorder.step()


def test_a_module_without_one_tensor_as_output_is_refused():
    class Pair(nn.Module):
        def forward(self, x):
            return x, x

    model = nn.Sequential(nn.Linear(2, 2), Pair())
    with GradientRecorder(model, ["1"]), pytest.raises(GradflowError, match="not one tensor but a tuple"):
        model(torch.ones(1, 2))


def test_parts_of_a_model_are_recorded_where_the_batch_size_is_said():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    with GradientRecorder(model) as recorder:
        model[1](model[0](torch.ones(3, 2))).sum().backward()
        recorder.step(batch_size=3)
    assert recorder.norms()["weight_norm"][0, 0] == pytest.approx(model[0].weight.norm().item())
    assert recorder.batch_sizes.tolist() == [3]
