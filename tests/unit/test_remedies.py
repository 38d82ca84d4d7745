"""Remedies: what a change is predicted to do is what it does, and the network stays as it was."""

import math

import pytest
import torch
from explained import LABELS, images, mlp
from torch import nn

from gradflow import explain
from gradflow.models.build import build
from gradflow.propagation.changes import changed_copies
from gradflow.propagation.untouched import random_state_kept


def named(result):
    return {remedy.change: remedy for remedy in result.remedies}


def chain(activation=nn.ReLU, init="default"):
    return mlp(activation, depth=12, width=64, init=init)()


@pytest.mark.parametrize(
    "model",
    [
        lambda: chain(),
        lambda: chain(nn.Tanh, "default"),
        lambda: build("vgg13", classes=10, width=0.125, init="default", seed=0),
        lambda: build("resnet18", classes=10, width=0.125, init="default", seed=0, skip=False, batch_norm=False),
    ],
    ids=["ReLU", "tanh", "VGG-13", "plain ResNet-18"],
)
def test_what_a_remedy_is_predicted_to_do_is_what_it_does(model):
    torch.manual_seed(0)
    model = model()
    inputs = torch.randn(16, 64) if isinstance(model, nn.Sequential) else images(32)
    result = explain(model, inputs, LABELS)
    assert len(result.remedies) == 6 and not any(remedy.failure for remedy in result.remedies)
    for change, make in changed_copies(model, result.layers[-1].name, False, 0):
        with random_state_kept():
            after = explain(make(), inputs, LABELS, pure=False, remedies=False)
        assert named(result)[change].predicted == pytest.approx(after.decades["measured"], abs=0.35)
        assert math.log10(named(result)[change].update) == pytest.approx(math.log10(after.update), abs=0.6)


def test_the_words_say_what_helps_in_place_of_what_and_what_does_not():
    torch.manual_seed(0)
    result = explain(chain(), torch.randn(16, 64), LABELS)
    said = str(result)
    assert f"What would help, predicted in place of {result.decades['predicted']:+.1f}: " in said
    assert named(result)["He initialisation"].helps and "He initialisation (" in said
    assert not named(result)["Xavier initialisation"].predicted > -1
    told = result.to_dict()["remedies"]
    assert {remedy["change"] for remedy in told} == set(named(result)) and told[0].keys() >= {"predicted", "helps"}


def test_a_network_that_is_well_or_was_trained_is_given_no_remedy():
    torch.manual_seed(0)
    inputs = torch.randn(16, 64)
    assert explain(chain(init="he"), inputs, LABELS).remedies == []
    assert explain(chain(), inputs, LABELS, trained=True).remedies == []
    assert explain(chain(), inputs, LABELS, remedies=False).remedies == []


def test_a_network_is_left_as_it_was_with_torchs_random_state():
    torch.manual_seed(0)
    model, inputs = build("vgg11", classes=10, width=0.125, batch_norm=True, init="default"), images(32)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    for _, make in changed_copies(model, "classifier.6", False, 0):
        make()
    explain(model, inputs, LABELS)
    torch.manual_seed(1)
    explain(chain(), torch.randn(16, 64), LABELS)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    torch.set_rng_state(state)


def test_a_network_in_which_nothing_flows_is_cured_by_what_lets_it_flow():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 10))
    nn.init.constant_(model[2].bias, -100)
    result = explain(model, torch.randn(16, 32), LABELS)
    assert result.verdict == "dead, dead" and "nothing arrives at the first (0)" in str(result)
    assert named(result)["He initialisation"].helps and named(result)["batch norm"].helps


def test_what_changes_nothing_is_not_offered_and_what_changes_a_part_says_so():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.weights = nn.ParameterList([torch.randn(32, 32) * 1e-2 for _ in range(6)])
            self.out = nn.Parameter(torch.randn(32, 10))

        def forward(self, x):
            for weight in self.weights:
                x = torch.relu(x @ weight)
            return x @ self.out

    assert explain(Own(), torch.randn(16, 32), LABELS).remedies == []
    normed = [nn.utils.parametrizations.weight_norm(nn.Linear(32, 32)) for _ in range(8)]
    layers = [part for layer in normed for part in (layer, nn.Sigmoid())]
    found = named(explain(nn.Sequential(*layers, nn.Linear(32, 10)), torch.randn(16, 32), LABELS))
    assert {"He initialisation, of 1 of 17 weights", "ReLU for Sigmoid", "batch norm"} <= found.keys()


def test_batch_norm_is_judged_as_it_trains_whatever_mode_the_network_is_in():
    torch.manual_seed(0)
    model, inputs = chain(nn.Sigmoid), torch.randn(16, 64)
    training, evaluating = (named(explain(model.train(mode), inputs, LABELS))["batch norm"] for mode in (True, False))
    assert training.predicted == pytest.approx(evaluating.predicted, abs=0.3)


class Reads(nn.Module):
    """It reads a weight of its layer itself, so that a layer in another's place does not do."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(64, 64), nn.Linear(64, 10)
        with torch.no_grad():
            self.inner.weight.mul_(1e-4)

    def forward(self, x):
        return self.outer(torch.relu(x @ self.inner.weight.T) * 1e-6)


def test_a_change_that_the_networks_code_does_not_bear_is_said_to_fail():
    result = explain(Reads(), torch.randn(16, 64), LABELS)
    failed = named(result)["skip connections"]
    assert failed.failure.startswith("AttributeError") and not failed.helps
    assert "Not tried: skip connections, as the changed network fails (AttributeError" in str(result)


def test_only_changes_that_fit_are_offered():
    torch.manual_seed(0)
    residual = build("resnet18", classes=10, width=0.125)
    assert {name for name, _ in changed_copies(residual, "fc", True, 0)} == {
        "He initialisation",
        "Xavier initialisation",
        "orthogonal initialisation",
        "SELU for ReLU",
    }
    gated = nn.Sequential(nn.Linear(4, 4), nn.SiLU(), nn.Linear(4, 4), nn.SiLU(), nn.Linear(4, 4), nn.Sigmoid())
    made = dict(changed_copies(gated, "4", False, 0))["SELU for SiLU"]()
    assert [type(made[place]) for place in (1, 3, 5)] == [nn.SELU, nn.SELU, nn.Sigmoid]
