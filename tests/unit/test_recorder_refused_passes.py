"""What `step()` cannot tell it refuses in one sentence, and the next step is right."""

import pytest
import torch
from recorder_cases import X, assert_last_pass, loss_of, net, record
from torch import nn

from gradflow import GradflowError, GradientRecorder


def zero_in_place_before_step(model, recorder):
    loss_of(model).backward()
    model.zero_grad(set_to_none=False)


def zero_through_data_before_step(model, recorder):
    loss_of(model).backward()
    for parameter in model.parameters():
        parameter.grad.data.zero_()


def clip_between_passes(model, recorder):
    loss_of(model).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1e-3)
    loss_of(model).backward()


def not_zeroed_after_discard(model, recorder):
    loss_of(model).backward()
    recorder.discard()
    loss_of(model).backward()


def twice_through_one_forward(model, recorder):
    value = loss_of(model)
    value.backward(retain_graph=True)
    value.backward()


def by_grad_alone(model, recorder):
    torch.autograd.grad(loss_of(model), list(model.parameters()))


def fused_into_backward(model, recorder):
    def update(parameter):
        with torch.no_grad():
            parameter -= 0.1 * parameter.grad
        parameter.grad = None

    handles = [parameter.register_post_accumulate_grad_hook(update) for parameter in model.parameters()]
    loss_of(model).backward()
    for handle in handles:
        handle.remove()


@pytest.mark.parametrize(
    ("passes", "words"),
    [
        (zero_in_place_before_step, r"before zero_grad\(\)"),
        (zero_through_data_before_step, r"before zero_grad\(\)"),
        (clip_between_passes, "after the last one"),
        (not_zeroed_after_discard, r"discard\(\).*zero_grad"),
        (twice_through_one_forward, "add the losses"),
        (by_grad_alone, r"autograd.grad\(\)"),
        (fused_into_backward, r"fused into backward\(\)"),
    ],
)
def test_what_cannot_be_told_is_refused_and_the_next_step_is_right(passes, words):
    model = net()
    with GradientRecorder(model) as recorder:
        passes(model, recorder)
        with pytest.raises(GradflowError, match=words) as caught:
            recorder.step()
        assert "\n" not in str(caught.value)
        model.zero_grad()
        loss_of(model).backward()
        recorder.step()
    assert len(recorder.batch_sizes) == 1
    assert_last_pass(recorder, model)


def test_gradients_of_a_time_before_the_block_are_refused():
    model = net()
    loss_of(model).backward()
    with GradientRecorder(model) as recorder:
        loss_of(model).backward()
        with pytest.raises(GradflowError, match=r"before the `with` block"):
            recorder.step()
        model.zero_grad()
        loss_of(model).backward()
        recorder.step()
    assert_last_pass(recorder, model)


def test_a_backward_pass_outside_the_block_is_not_caught():
    model = net()
    with GradientRecorder(model) as recorder:
        value = loss_of(model)
    value.backward()
    model.zero_grad()
    with recorder:
        loss_of(model).backward()
        recorder.step()
    assert_last_pass(recorder, model)
    assert record(net(), (X,)).norms()["grad_output_norm"] == pytest.approx(recorder.norms()["grad_output_norm"])
