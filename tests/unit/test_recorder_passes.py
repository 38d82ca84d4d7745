"""A row holds exactly the backward passes whose weight gradients the optimizer is about to use, or has just used."""

import copy

import numpy as np
import pytest
import torch
from recorder_cases import columns, inputs, judge, net, record, squares
from torch import nn

from gradflow import GradflowError, GradientRecorder

X = inputs(4, 5)


def loss_of(model, x=X):
    return squares(model(x))


def assert_last_pass(recorder, model, x=X, batch=4, loss=squares):
    activations, weights = judge(model, (x,), loss)
    assert recorder.batch_sizes[-1] == batch
    for name, value in columns(recorder, "grad_output_norm").items():
        assert value == pytest.approx(activations[name], rel=1e-5), name
    for name, value in columns(recorder, "weight_grad_norm").items():
        assert value == pytest.approx(weights[f"{name}.weight"], rel=1e-5), name


def saliency_backward(model, optimizer):
    squares(model(X.clone().requires_grad_())).backward()
    model.zero_grad()
    loss_of(model).backward()


def saliency_grad(model, optimizer):
    x = X.clone().requires_grad_()
    torch.autograd.grad(squares(model(x)), x)
    loss_of(model).backward()


def adversarial(model, optimizer):
    x = X.clone().requires_grad_()
    torch.autograd.grad(squares(model(x)), x)
    torch.autograd.grad(squares(model(x)), x)
    optimizer.zero_grad()
    loss_of(model).backward()


def gradients_alone(model, optimizer):
    torch.autograd.grad(loss_of(model), list(model.parameters()))
    loss_of(model).backward()


def inputs_alone(model, optimizer):
    x = X.clone().requires_grad_()
    squares(model(x)).backward(inputs=[x])
    loss_of(model).backward()


def discriminator_of_a_gan(model, optimizer):
    generator = nn.Linear(3, 5)
    (-model(generator(inputs(6, 3))).mean()).backward()
    model.zero_grad()
    loss_of(model).backward()


def zeroed_in_place(model, optimizer):
    loss_of(model).backward()
    optimizer.zero_grad(set_to_none=False)
    loss_of(model).backward()


def zeroed_through_data(model, optimizer):
    loss_of(model).backward()
    for parameter in model.parameters():
        parameter.grad.data.zero_()
    loss_of(model).backward()


def a_skipped_batch(model, optimizer):
    squares(model(inputs(9, 5, seed=3))).backward()
    optimizer.zero_grad()
    loss_of(model).backward()


def retained_graph(model, optimizer):
    value = loss_of(model)
    value.backward(retain_graph=True)
    optimizer.zero_grad()
    value.backward()


def functional_gradient(model, optimizer):
    def value(parameters):
        return squares(torch.func.functional_call(model, parameters, (X,)))

    torch.func.grad(value)(dict(model.named_parameters()))
    loss_of(model).backward()


def per_sample_gradients(model, optimizer):
    def value(parameters, x):
        return squares(torch.func.functional_call(model, parameters, (x[None],)))

    torch.func.vmap(torch.func.grad(value), in_dims=(None, 0))(dict(model.named_parameters()), X)
    loss_of(model).backward()


def a_backward_that_failed(model, optimizer):
    output = model(X)
    output.register_hook(lambda gradient: None)
    bad = model[0](X)
    bad.register_hook(lambda gradient: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        squares(model[2](torch.tanh(bad))).backward()
    optimizer.zero_grad()
    loss_of(model).backward()


def evaluation_with_gradients(model, optimizer):
    loss_of(model).backward()
    model(inputs(7, 5, seed=4))


@pytest.mark.parametrize(
    "passes",
    [
        saliency_backward,
        saliency_grad,
        adversarial,
        gradients_alone,
        inputs_alone,
        discriminator_of_a_gan,
        zeroed_in_place,
        zeroed_through_data,
        a_skipped_batch,
        retained_graph,
        functional_gradient,
        per_sample_gradients,
        a_backward_that_failed,
        evaluation_with_gradients,
    ],
)
@pytest.mark.parametrize("earlier", [0, 2])
def test_passes_that_no_step_uses_are_in_no_row(passes, earlier):
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with GradientRecorder(model) as recorder:
        for _ in range(earlier):
            optimizer.zero_grad()
            loss_of(model).backward()
            recorder.step()
            optimizer.step()
        optimizer.zero_grad()
        passes(model, optimizer)
        recorder.step()
    assert_last_pass(recorder, model)


@pytest.mark.parametrize("set_to_none", [True, False])
@pytest.mark.parametrize("manual", [False, True], ids=["", "an optimizer that is none of torch's"])
def test_a_row_every_tenth_step_by_hand_is_the_tenth_steps(set_to_none, manual):
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    before = []
    with GradientRecorder(model) as recorder:
        for i in range(20):
            model.zero_grad(set_to_none=set_to_none)
            loss_of(model).backward()
            twin = copy.deepcopy(model)
            if manual:
                with torch.no_grad():
                    for parameter in model.parameters():
                        parameter.data.sub_(0.1 * parameter.grad)
            else:
                optimizer.step()
            if i % 10 == 9:
                recorder.step()
                before.append(twin)
    norms = recorder.norms()
    assert recorder.batch_sizes.tolist() == [4, 4]
    for row, model in enumerate(before):
        activations, weights = judge(model, (X,))
        for i, name in enumerate(recorder.layers):
            assert norms["grad_output_norm"][row, i] == pytest.approx(activations[name], rel=1e-5)
            assert norms["weight_grad_norm"][row, i] == pytest.approx(weights[f"{name}.weight"], rel=1e-5)
            norm = model.get_submodule(name).weight.norm().item()
            if not (manual and not set_to_none):
                assert norms["weight_norm"][row, i] == pytest.approx(norm, rel=1e-5)
                assert norms["update_ratio"][row, i] == pytest.approx(0.1 * weights[f"{name}.weight"] / norm, rel=1e-3)


def test_sharpness_aware_steps_hold_the_second_pass_and_the_whole_update():
    model, start = net(), net()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with GradientRecorder(model) as recorder:
        for _ in range(3):
            optimizer.zero_grad()
            loss_of(model).backward()
            start = copy.deepcopy(model)
            with torch.no_grad():
                moves = [0.05 * p.grad / p.grad.norm() for p in model.parameters()]
                for parameter, move in zip(model.parameters(), moves):
                    parameter.add_(move)
            optimizer.zero_grad()
            loss_of(model).backward()
            climbed = copy.deepcopy(model)
            with torch.no_grad():
                for parameter, move in zip(model.parameters(), moves):
                    parameter.sub_(move)
            optimizer.step()
            recorder.step()
    assert_last_pass(recorder, climbed)
    moved = (model[0].weight - start[0].weight).norm() / start[0].weight.norm()
    assert recorder.norms()["update_ratio"][-1, 0] == pytest.approx(moved.item(), rel=1e-4)


@pytest.mark.parametrize("inside", [True, False])
def test_lbfgs(inside):
    model = net()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=4)
    last = []
    with GradientRecorder(model) as recorder:

        def closure():
            optimizer.zero_grad()
            value = loss_of(model)
            value.backward()
            last.append(copy.deepcopy(model))
            if inside:
                recorder.step()
            return value

        optimizer.step(closure)
        if not inside:
            recorder.step()
    assert len(recorder.batch_sizes) == (len(last) if inside else 1)
    assert_last_pass(recorder, last[-1])
    if not inside:
        moved = (model[0].weight - net()[0].weight).norm() / net()[0].weight.norm()
        assert recorder.norms()["update_ratio"][-1, 0] == pytest.approx(moved.item(), rel=1e-4)


def test_a_gradient_penalty_is_recorded_as_the_loss_it_is():
    model = net()

    def loss(output_of):
        x = X.to(next(output_of.parameters()).dtype).requires_grad_()
        output = output_of(x)
        (gradient,) = torch.autograd.grad(output.sum(), x, create_graph=True)
        return output.mean() + gradient.square().sum()

    with GradientRecorder(model) as recorder:
        loss(model).backward()
        recorder.step()
    twin = copy.deepcopy(model).double()
    loss(twin).backward()
    for name, value in columns(recorder, "weight_grad_norm").items():
        assert value == pytest.approx(twin.get_submodule(name).weight.grad.norm().item(), rel=1e-5)
    assert recorder.batch_sizes.tolist() == [4]


def test_gradients_that_are_not_zeroed_are_in_the_next_row_with_all_their_passes():
    model = net()
    with GradientRecorder(model) as recorder:
        for _ in range(2):
            loss_of(model).backward()
            recorder.step()
    norms = recorder.norms()
    np.testing.assert_allclose(norms["weight_grad_norm"][1], 2 * norms["weight_grad_norm"][0], rtol=1e-6)
    np.testing.assert_allclose(norms["grad_output_norm"][1], 2**0.5 * norms["grad_output_norm"][0], rtol=1e-6)
    assert recorder.batch_sizes.tolist() == [4, 8]


def test_a_forward_pass_between_step_and_the_optimizers_step_changes_nothing():
    def run(between):
        model = net()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        with GradientRecorder(model) as recorder:
            for _ in range(4):
                optimizer.zero_grad()
                loss_of(model).backward()
                recorder.step()
                between(model)
                optimizer.step()
        return recorder.norms()

    plain, other = run(lambda model: None), run(lambda model: model(inputs(3, 5)))
    for name, array in plain.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


def test_a_discarded_step_leaves_no_row():
    model = net()
    with GradientRecorder(model) as recorder:
        squares(model(inputs(9, 5))).backward()
        recorder.discard()
        model.zero_grad()
        loss_of(model).backward()
        recorder.step()
    assert recorder.steps.tolist() == [1]
    assert_last_pass(recorder, model)


def test_the_total_norm_is_that_of_clipping_and_both_norms_of_a_weight_are_there():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
    x = inputs(6, 3, 8, 8)
    with GradientRecorder(model, record=["applied_grad_norm"]) as recorder:
        (100 * squares(model(x))).backward()
        total = nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        recorder.step()
    assert recorder.recording().total_norms[0] == pytest.approx(total.item(), rel=1e-5)
    full, applied = columns(recorder, "weight_grad_norm"), columns(recorder, "applied_grad_norm")
    for name, value in applied.items():
        assert value == pytest.approx(model.get_submodule(name).weight.grad.norm().item(), rel=1e-5)
        assert full[name] == pytest.approx(value * total.item() / 0.5, rel=1e-4)


# -- refusals ------------------------------------------------------------------------------------------------------


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
