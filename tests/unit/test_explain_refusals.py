"""Explanations leave a network as it was, and what they cannot explain they refuse in one sentence."""

import copy
import math

import pytest
import torch
from explained import LABELS, mlp
from torch import nn

from gradflow import explain
from gradflow.errors import GradflowError


def test_a_frozen_first_layer_is_no_dead_one():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    model[0].requires_grad_(False)
    result = explain(model, torch.randn(16, 32), LABELS)
    assert result.verdict == "healthy, alive" and result.remedies == []
    frozen = explain(model.requires_grad_(False), torch.randn(16, 32), LABELS)
    assert frozen.verdict == "healthy, frozen" and "No layer on the way is trained." in str(frozen)


def test_what_a_forward_pass_leaves_in_a_network_is_taken_away():
    class Keeps(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers, self.calls = mlp(nn.ReLU, 4, 32)(), 0
            self.register_buffer("seen", torch.zeros(0))

        def forward(self, x):
            self.calls += 1
            self.kept = self.layers[0](x)
            self.seen = torch.cat([self.seen, x.detach().mean()[None]])
            return self.layers[1:](self.kept)

    model = Keeps()
    explain(model, torch.randn(16, 32), LABELS)
    assert model.calls == 0 and not hasattr(model, "kept") and len(model.seen) == 0
    copy.deepcopy(model)


@pytest.mark.parametrize(
    ("model", "labels", "words"),
    [
        (lambda: nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.Linear(8, 10)), LABELS, "lazy layers"),
        (lambda: mlp(nn.ReLU, 4, 32)(), torch.randn(16, 10), "neither classes, whole numbers, nor probabilities"),
        (lambda: nn.Linear(32, 10), LABELS, "one layer with weights lies between"),
        (lambda: Hidden(), LABELS, "hidden in MkldnnRnnLayer|LSTM"),
    ],
    ids=["lazy", "floating targets", "one layer", "layers that are hidden"],
)
def test_what_cannot_be_explained_is_said_in_one_sentence(model, labels, words):
    with pytest.raises(GradflowError, match=words):
        explain(model(), torch.randn(16, 32), labels)


class Hidden(nn.Module):
    def __init__(self):
        super().__init__()
        self.recurrent, self.out = nn.LSTM(32, 16, 4, batch_first=True), nn.Linear(16, 10)

    def forward(self, x):
        return self.out(self.recurrent(x[:, None])[0][:, -1])


@pytest.mark.parametrize("wrong", [{"seeds": 0}, {"probes": 0}])
def test_counts_of_nothing_are_refused(wrong):
    with pytest.raises(GradflowError, match="at least 1"):
        explain(mlp(nn.ReLU, 4, 32), torch.randn(16, 32), LABELS, **wrong)


def test_probabilities_of_classes_are_targets_too():
    torch.manual_seed(0)
    soft = torch.softmax(torch.randn(16, 10), 1)
    assert math.isfinite(explain(mlp(nn.ReLU, 4, 32), torch.randn(16, 32), soft).decades["measured"])
