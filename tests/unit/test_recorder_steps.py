"""Whatever an optimizer does between two rows: each row holds its own step's gradients and its own update."""

import copy

import numpy as np
import pytest
import torch
from recorder_cases import X, assert_last_pass, columns, inputs, judge, loss_of, net, squares
from torch import nn

from gradflow import GradientRecorder


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


OPTIMIZERS = {
    "plain": {"lr": 0.03},
    "momentum": {"lr": 0.1, "momentum": 0.9},
    "momentum and decay": {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-2},
    "dampening": {"lr": 0.1, "momentum": 0.9, "dampening": 0.5},
    "decay alone": {"lr": 0.1, "weight_decay": 1e-2},
    "nesterov": {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    "below half an ulp": {"lr": 1e-8},
}


@pytest.mark.parametrize("settings", OPTIMIZERS)
@pytest.mark.parametrize("step_first", [True, False])
def test_the_update_from_the_optimizers_state_is_that_of_the_weights(settings, step_first):
    def run(told):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(5, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2))
        optimizer = torch.optim.SGD(model.parameters(), **OPTIMIZERS[settings])
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 6, 0.2)
        used = 0
        with GradientRecorder(model, optimizer=optimizer if told else None) as recorder:
            for number in range(16):
                optimizer.zero_grad()
                squares(model(X)).backward()
                if not step_first:
                    nn.utils.clip_grad_norm_(model.parameters(), 2.0)
                skipped = number == 7  # as a GradScaler skips it
                actions = [recorder.step] if skipped else [recorder.step, optimizer.step]
                for action in actions if step_first else actions[::-1]:
                    action()
                schedule.step()
                used += recorder._updates._told
                if number == 4:
                    recorder.norms()
        return recorder.norms(), used

    (exact, never), (found, used) = run(False), run(True)
    for name, array in exact.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-4, err_msg=name)
    assert never == 0
    assert bool(used) == (settings in ("plain", "momentum", "momentum and decay", "dampening"))


def test_gradients_that_are_zero_are_no_accumulation():
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with GradientRecorder(model) as recorder:
        for factor in (0.0, 0.0, 1.0, 0.0, 1.0):
            optimizer.zero_grad(set_to_none=False)
            (factor * squares(model(X))).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            recorder.step()
            optimizer.step()
    assert recorder.batch_sizes.tolist() == [4] * 5
    assert (recorder.norms()["weight_grad_norm"][:, 0] > 0).tolist() == [False, False, True, False, True]


def test_a_second_optimizer_ends_the_trust_in_the_first():
    model = net()
    first, second = (torch.optim.SGD(model.parameters(), rate, momentum=0.9) for rate in (0.1, 0.01))
    with GradientRecorder(model, optimizer=first) as recorder:
        for number in range(8):
            first.zero_grad()
            loss_of(model).backward()
            recorder.step()
            first.step()
            if number > 3:
                second.step()
    unknown = np.isnan(recorder.norms()["update_ratio"]).any(axis=1)
    assert not unknown[:4].any() and not unknown[5:].any()
