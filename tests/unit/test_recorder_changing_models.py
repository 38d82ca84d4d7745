"""A model whose parameters, training, precision or memory order change between two steps is recorded as it is."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from recorder_cases import inputs, squares
from torch import nn

from gradflow import GradientRecorder


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
