"""A model whose parameters, training, precision or memory order change between two steps is recorded as it is."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from recorder_cases import inputs, loss_of, net, squares
from torch import nn
from torch.nn.utils import prune

from gradflow import GradflowError, GradientRecorder


def unfrozen(model, optimizer):
    model[0].weight.requires_grad_(True)


def another_parameter(model, optimizer):
    model[0].weight = nn.Parameter(model[0].weight.detach().clone())
    optimizer.add_param_group({"params": [model[0].weight]})


def another_memory_order(model, optimizer):
    model.to(memory_format=torch.channels_last)


def more_precise(model, optimizer):
    model.double()


def loaded(model, optimizer):
    model.load_state_dict({name: 2 * value for name, value in model.state_dict().items()})


@pytest.mark.parametrize("event", [unfrozen, another_parameter, another_memory_order, more_precise, loaded])
def test_a_model_that_changes_between_two_steps(event):
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 24, 3), nn.ReLU(), nn.Conv2d(24, 96, 3), nn.Flatten(), nn.Linear(96 * 16, 2)]
    model, x = nn.Sequential(*layers), inputs(4, 3, 8, 8)
    if event is unfrozen:
        model[0].weight.requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, foreach=False)
    used = []
    with GradientRecorder(model) as recorder:
        for step in range(4):
            optimizer.zero_grad()
            if step == 2:
                event(model, optimizer)
            squares(model(x.to(model[0].weight.dtype))).backward()
            used.append([layer.weight.detach().double().clone() for layer in model if hasattr(layer, "weight")])
            recorder.step()
            grads = [layer.weight.grad for layer in model if hasattr(layer, "weight")]
            for column, gradient in enumerate(grads):
                found = recorder.last()["weight_grad_norm"][column]
                if gradient is None:
                    assert np.isnan(found) and event is unfrozen and step < 2 and column == 0
                else:
                    assert found == pytest.approx(gradient.double().norm().item(), rel=1e-5)
            optimizer.step()
    ratios = recorder.norms()["update_ratio"]
    for row, (before, after) in enumerate(pairwise(used)):
        if event is more_precise and row == 1:
            continue  # what changed with the precision is no update
        for column, (old, new) in enumerate(zip(before, after)):
            assert ratios[row, column] == pytest.approx(((new - old).norm() / old.norm()).item(), rel=1e-4, abs=1e-12)


def another_module(model):
    model[0] = nn.Linear(5, 8)


def pruned_by_now(model):
    prune.l1_unstructured(model[0], "weight", 0.5)


@pytest.mark.parametrize("change", [another_module, pruned_by_now])
def test_a_layer_that_is_replaced_is_refused(change):
    model = net()
    with GradientRecorder(model) as recorder:
        for _ in range(2):
            model.zero_grad()
            loss_of(model).backward()
            recorder.step()
        change(model)
        model.zero_grad(set_to_none=False)
        loss_of(model).backward()
        with pytest.raises(GradflowError, match="layer '0' was replaced"):
            recorder.step()


def test_layers_that_are_not_zeroed_together_have_their_own_samples():
    model = net()
    head = torch.optim.SGD(model[2].parameters(), 0.0)
    with GradientRecorder(model) as recorder:
        for _ in range(3):
            head.zero_grad()
            loss_of(model).backward()
            recorder.step()
            head.step()
    norms = recorder.norms()
    assert recorder.batch_sizes.tolist() == [4] * 3
    np.testing.assert_allclose(
        norms["grad_sample_norm"], norms["grad_sample_norm"][[0, 0, 0]] * [[1, 1], [2, 1], [3, 1]]
    )


def test_a_weight_with_gaps_in_memory():
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.Flatten(), nn.Linear(128, 2))
    model[0].weight = nn.Parameter(nn.Conv2d(3, 8, 3).weight[:, :1].detach())
    optimizer, used = torch.optim.SGD(model.parameters(), 0.1), []
    with GradientRecorder(model) as recorder:
        for _ in range(3):
            optimizer.zero_grad()
            squares(model(inputs(4, 1, 6, 6))).backward()
            used.append(model[0].weight.detach().clone())
            recorder.step()
            optimizer.step()
    np.testing.assert_allclose(recorder.norms()["weight_norm"][:, 0], [w.norm().item() for w in used], rtol=1e-5)


def test_two_optimizers_that_step_in_turn_have_each_their_update():
    model = net()
    parts = [torch.optim.SGD(model[k].parameters(), 0.1) for k in (0, 2)]
    before = []
    with GradientRecorder(model) as recorder:
        for _ in range(3):
            before.append(model[0].weight.detach().clone())
            for optimizer, part in zip(parts, (model[0], model[2])):
                optimizer.zero_grad()
                loss_of(model).backward(inputs=list(part.parameters()))
                optimizer.step()
            recorder.step()
    moved = [((b - a).norm() / a.norm()).item() for a, b in pairwise(before)]
    np.testing.assert_allclose(recorder.norms()["update_ratio"][:2, 0], moved, rtol=1e-4)


@pytest.mark.parametrize("every", [1, 2])
def test_a_computed_weights_update_where_steps_are_left_out(every):
    model = net()
    nn.utils.parametrizations.weight_norm(model[0])
    optimizer, used = torch.optim.SGD(model.parameters(), 0.1), []
    with GradientRecorder(model, every=every) as recorder:
        for _ in range(5):
            optimizer.zero_grad()
            loss_of(model).backward()
            used.append(model[0].weight.detach().clone())
            recorder.step()
            optimizer.step()
    moved = [((b - a).norm() / a.norm()).item() for a, b in pairwise(used)]
    found = recorder.norms()["update_ratio"][:, 0]
    np.testing.assert_allclose(found[:-1], moved[::every], rtol=1e-3)
    assert np.isnan(found[-1])  # it was not computed again
