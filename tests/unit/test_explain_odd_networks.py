"""Explanations of what people bring: unknown operations, zeros, tied and frozen weights, outputs of all kinds."""

import math

import pytest
import torch
from explained import LABELS, images, mlp, residual
from torch import nn
from torch.utils.checkpoint import checkpoint

from gradflow import build, explain
from gradflow.errors import GradflowError
from gradflow.propagation.explain import classification_loss


class Doubled(torch.autograd.Function):
    """A function of somebody's own, whose backward pass does what it likes."""

    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, gradient):
        return 20 * gradient


class Own(nn.Module):
    """A network with an operation that nobody knows in its middle."""

    def __init__(self, operation):
        super().__init__()
        self.operation = operation
        self.below = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU())
        self.above = nn.Sequential(nn.Conv2d(32, 32, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 36, 10))

    def forward(self, x):
        return self.above(self.operation(self.below(x)))


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        (Doubled.apply, "Doubled"),
        (lambda x: torch.fft.ifft2(torch.fft.fft2(x)).real, "FftC2C"),
        (lambda x: x.cumsum(-1), "Cumsum"),
        (lambda x: x.sort(-1).values, "Sort"),
    ],
)
def test_an_operation_that_is_not_known_is_named_and_all_else_predicted(operation, name):
    result = explain(lambda: Own(operation), images(12), LABELS, seeds=8)
    assert name in result.unknown
    assert name in str(result)
    assert residual(result) < 0.05
    if name == "Doubled":
        assert result.decades["unknown"] == pytest.approx(math.log10(20), abs=1e-5)


def test_an_activation_that_is_written_out_is_one_gate():
    class Swish(nn.Module):
        def forward(self, x):
            return x * torch.sigmoid(x)

    x = torch.randn(16, 128, generator=torch.Generator().manual_seed(0))
    written, fused = (explain(mlp(kind, init="he"), x, LABELS, seeds=2) for kind in (Swish, nn.SiLU))
    assert written.decades["gate"] == pytest.approx(fused.decades["gate"], abs=1e-3)
    assert written.decades["predicted"] == pytest.approx(fused.decades["predicted"], abs=1e-3)


def test_the_network_and_torch_s_random_state_are_left_as_they_were():
    model = build("resnet18", classes=10, width=0.125, seed=0)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    explain(model, images(32), LABELS, probes=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks or module._backward_hooks for module in model.modules())


def test_a_head_of_zeros_is_said_and_drawn_and_is_zero_again_after():
    model = mlp(nn.ReLU)()
    nn.init.zeros_(model[-1].weight)
    result = explain(model, torch.randn(16, 128), LABELS)
    assert residual(result) < 0.2
    assert any("is zero" in note and note.startswith("30 ") for note in result.notes)
    assert not model[-1].weight.any()


def test_the_same_input_gives_the_same_explanation():
    one, two = (explain(mlp(nn.ReLU), images(8, 2).flatten(1), LABELS, seeds=2).to_dict() for _ in range(2))
    assert one == two


def test_frozen_weights_and_a_network_that_writes_into_its_input():
    model = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(64, 64), nn.ReLU(inplace=True), nn.Linear(64, 10))
    for parameter in model[1].parameters():
        parameter.requires_grad_(False)
    result = explain(model, torch.randn(16, 64), LABELS)
    assert [layer.name for layer in result.layers] == ["1", "3"]


def test_weights_that_are_used_again_and_again_have_a_row_each_time():
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.head = nn.RNNCell(8, 64), nn.Linear(64, 10)

        def forward(self, x):
            hidden = None
            for step in range(x.shape[1]):
                hidden = self.cell(x[:, step], hidden)
            return self.head(hidden)

    result = explain(Recurrent, torch.randn(16, 6, 8), LABELS, seeds=2)
    names = [layer.name for layer in result.layers]
    assert "cell.weight_hh #5" in names and names[-1] == "head"


@pytest.mark.parametrize(
    ("model", "settings", "words"),
    [
        (nn.Linear(8, 10), {}, "one layer"),
        (nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 10)), {"seeds": 2}, "give a function"),
        (nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 10)), {"labels": None}, "give the labels"),
        (nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 3)), {}, "no cross-entropy"),
        (nn.Sequential(nn.Linear(8, 8), nn.LSTM(8, 10)), {}, "give loss="),
        (nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 10)), {"loss": lambda output, _: output}, "one number"),
        (nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 10)), {"loss": lambda output, _: 0 * output.sum()}, "is zero"),
        (nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 10)), {"loss": lambda output, _: output.sum() / 0}, "is "),
    ],
)
def test_what_cannot_be_explained_is_refused(model, settings, words):
    labels = settings.pop("labels", LABELS)
    with pytest.raises(GradflowError, match=words):
        explain(model, torch.randn(16, 8), labels, **settings)


def test_a_compiled_network_is_explained_as_what_was_compiled():
    model = mlp(nn.ReLU, depth=3)()
    result = explain(torch.compile(model, backend="eager"), torch.randn(16, 128), LABELS)
    assert [layer.name for layer in result.layers] == ["0", "2", "4"]


class Checkpointed(nn.Module):
    """Recomputes its middle in the backward pass."""

    def __init__(self, reentrant):
        super().__init__()
        self.reentrant = reentrant
        self.below, self.middle, self.above = nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 10)

    def forward(self, x):
        middle = lambda h: torch.relu(self.middle(h))  # noqa: E731
        return self.above(checkpoint(middle, torch.relu(self.below(x)), use_reentrant=self.reentrant))


def test_layers_behind_a_checkpoint_are_seen_or_refused():
    x = torch.randn(16, 64)
    assert [layer.name for layer in explain(Checkpointed(False), x, LABELS).layers] == ["below", "middle", "above"]
    with pytest.raises(GradflowError, match="use_reentrant=False"):
        explain(Checkpointed(True), x, LABELS)


SHAPES = {
    "1d": ((4, 32), 448, lambda: (nn.Conv1d(4, 32, 3), nn.ReLU(), nn.Conv1d(32, 32, 3), nn.MaxPool1d(2))),
    "3d": ((1, 8, 8, 8), 128, lambda: (nn.Conv3d(1, 16, 3), nn.ReLU(), nn.Conv3d(16, 16, 3), nn.MaxPool3d(2))),
    "transposed": (
        (8,),
        256,
        lambda: (nn.Linear(8, 64), nn.ReLU(), nn.Unflatten(1, (16, 2, 2)), nn.ConvTranspose2d(16, 16, 4, 2, 1)),
    ),
    "recurrent": ((12, 8), 32, lambda: (nn.Linear(8, 32), nn.LSTM(32, 32, batch_first=True), Last())),
}


@pytest.mark.parametrize("kind", SHAPES)
def test_networks_of_other_shapes(kind):
    size, features, layers = SHAPES[kind]
    builder = lambda: nn.Sequential(*layers(), nn.ReLU(), nn.Flatten(), nn.Linear(features, 10))  # noqa: E731
    result = explain(builder, torch.randn(16, *size, generator=torch.Generator().manual_seed(0)), LABELS, seeds=6)
    assert residual(result) < 0.06
    assert bool(result.unknown) == (kind == "recurrent")  # what an LSTM does inside is one operation to autograd


class Last(nn.Module):
    """The last step of what a recurrent layer returns."""

    def forward(self, output):
        return output[0][:, -1]


def test_auxiliary_heads_are_left_out():
    output = {"out": torch.randn(16, 10, requires_grad=True), "aux": torch.randn(16, 10, requires_grad=True)}
    classification_loss(output, LABELS).backward()
    assert output["out"].grad is not None and output["aux"].grad is None
