"""Explanations: predictions against autograd's own gradients, causes that add up, and nothing known passed over."""

import math

import numpy as np
import pytest
import torch
from explained import LABELS, images, mlp, residual
from torch import nn
from torch.nn import functional

from gradflow import GradientRecorder, build, explain
from gradflow.causes import CAUSES
from gradflow.propagation import draw as draw_module
from gradflow.propagation.measurement import Measured

ACTIVATIONS = """ReLU ReLU6 LeakyReLU ELU SELU CELU GELU SiLU Mish Sigmoid Tanh Softplus Softsign LogSigmoid Hardtanh
Hardswish Hardsigmoid Tanhshrink Softshrink Hardshrink PReLU RReLU Softmax2d"""
LAYERS = {
    "linear": lambda: nn.Conv2d(32, 32, 1),
    "padded": lambda: nn.Conv2d(32, 32, 3, padding=1),
    "unpadded": lambda: nn.Conv2d(32, 32, 3),
    "strided": lambda: nn.Conv2d(32, 32, 3, stride=2, padding=1),
    "dilated": lambda: nn.Conv2d(32, 32, 3, dilation=2, padding=2),
    "grouped": lambda: nn.Conv2d(32, 32, 3, groups=4, padding=1),
    "depthwise": lambda: nn.Conv2d(32, 32, 5, groups=32, padding=2),
    "transposed": lambda: nn.ConvTranspose2d(32, 32, 4, stride=2, padding=1),
    "batch norm": lambda: nn.BatchNorm2d(32),
    "group norm": lambda: nn.GroupNorm(4, 32),
    "instance norm": lambda: nn.InstanceNorm2d(32),
    "max pool": lambda: nn.MaxPool2d(2),
    "overlapping max pool": lambda: nn.MaxPool2d(3, 1, 1),
    "average pool": lambda: nn.AvgPool2d(2),
    "overlapping average pool": lambda: nn.AvgPool2d(3, 2, 1),
    "adaptive pool": lambda: nn.AdaptiveAvgPool2d(5),
    "bilinear": lambda: nn.Upsample(scale_factor=2, mode="bilinear"),
    "dropout": lambda: nn.Dropout(0.5),
    "channel dropout": lambda: nn.Dropout2d(0.3),
    "pixel shuffle": lambda: nn.Sequential(nn.PixelShuffle(2), nn.Conv2d(8, 32, 1)),
    "reflection": lambda: nn.ReflectionPad2d(2),
    **{name: getattr(nn, name) for name in ACTIVATIONS.split()},
}


@pytest.mark.parametrize("name", LAYERS)
def test_each_rule_against_autograd_over_random_draws(name):
    """A layer of each kind between two convolutions: the mean predicted energy is the mean measured one."""

    def builder():
        return nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1),
            LAYERS[name](),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(128, 10),
        )

    result = explain(builder, images(12), LABELS, seeds=24)
    assert residual(result) < 0.05, result
    assert not result.unknown
    assert sum(result.decades[cause] for cause in CAUSES) == pytest.approx(result.decades["predicted"], abs=1e-9)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Sigmoid, nn.Tanh, nn.GELU])
@pytest.mark.parametrize("init", ["default", "xavier", "he"])
def test_sixteen_layers_of_every_activation_and_initialisation(activation, init):
    x = torch.randn(32, 128, generator=torch.Generator().manual_seed(0))
    result = explain(mlp(activation, init=init), x, torch.arange(32) % 10, seeds=8)
    assert residual(result) < 0.06
    errors = [abs(math.log10(layer.predicted / layer.measured)) for layer in result.layers]
    assert np.median(errors) < 0.02


def test_the_decomposition_names_what_the_networks_owe_their_gradients_to():
    """VGG-19 by its weights, with He by nothing but padding; plain ResNet-50 by its weights; sigmoids by the gate."""
    x = images(32)
    default = explain(lambda: build("vgg19", classes=10, width=0.25), x, LABELS, seeds=3)
    assert default.decades["weights"] == pytest.approx(-7.0, abs=0.15)  # 18 layers of ½ log 1/6
    assert default.decades["padding"] == pytest.approx(-1.05, abs=0.05)
    assert default.decades["dropout"] == pytest.approx(0.30, abs=0.02)  # two times ½ log 2
    assert "1/(3 fan-in)" in str(default)
    he = explain(lambda: build("vgg19", classes=10, width=0.25, init="he"), x, LABELS, seeds=3)
    assert abs(he.decades["weights"]) < 0.1
    plain = explain(lambda: build("resnet50", classes=10, width=0.25, skip=False, batch_norm=False), x, LABELS)
    assert plain.decades["weights"] == pytest.approx(49 * 0.5 * math.log10(1 / 6), abs=0.3)
    sigmoid = explain(mlp(nn.Sigmoid), torch.randn(16, 128), LABELS)
    assert sigmoid.decades["gate"] == min(sigmoid.decades[cause] for cause in CAUSES)
    for result in (default, he, plain, sigmoid):
        assert residual(result) < 0.1


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_residual_networks(skip, batch_norm):
    builder = lambda: build("resnet18", classes=10, width=0.25, skip=skip, batch_norm=batch_norm)  # noqa: E731
    result = explain(builder, images(32), LABELS, seeds=3)
    assert residual(result) < 0.05
    assert (abs(result.decades["skip"]) > 0.3) == skip


@pytest.mark.parametrize("name", ["squeezenet1_1", "shufflenet_v2_x1_0", "mobilenet_v2", "regnet_y_400mf", "resnet34"])
def test_networks_that_others_wrote(name):
    torchvision = pytest.importorskip("torchvision")
    builder = getattr(torchvision.models, name)
    result = explain(lambda: builder(num_classes=10), images(64), LABELS, seeds=2)
    assert residual(result) < 0.06
    assert not result.unknown


class Encoder(nn.Module):
    """Tokens through a transformer's encoder."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 64)
        # one by one: nn.TransformerEncoder copies a layer, so that all start with equal weights
        layers = (nn.TransformerEncoderLayer(64, 4, 128, batch_first=True, norm_first=True) for _ in range(4))
        self.encoder = nn.Sequential(*layers)
        self.head = nn.Linear(64, 10)

    def forward(self, tokens):
        return {"logits": self.head(self.encoder(self.embedding(tokens)).mean(1))}


def test_tokens_attention_and_an_output_in_a_dictionary():
    tokens = torch.randint(0, 50, (16, 12), generator=torch.Generator().manual_seed(0))
    result = explain(Encoder, tokens, LABELS, seeds=4)
    assert residual(result) < 0.06
    assert not result.unknown
    assert "encoder.0.self_attn.in_proj_weight" in [layer.name for layer in result.layers]


def test_the_measured_column_is_the_recorder_s():
    model = build("resnet18", classes=10, width=0.125, seed=0)
    with GradientRecorder(model) as recorder:
        functional.cross_entropy(model(images(32)), LABELS).backward()
        recorder.step()
    model.zero_grad()
    recorded = dict(zip(recorder.layers, recorder.norms()["grad_sample_norm"][0]))
    result = explain(model, images(32), LABELS, probes=1)
    assert {layer.name for layer in result.layers} == set(recorded)
    for layer in result.layers:
        assert layer.measured == pytest.approx(recorded[layer.name], rel=1e-5)


def test_two_hundred_sigmoid_layers_have_no_zero_and_no_nan():
    result = explain(mlp(nn.Sigmoid, depth=200, width=64, init="default"), torch.randn(16, 64), LABELS)
    assert all(layer.measured > 0 and layer.predicted > 0 for layer in result.layers)
    assert result.decades["measured"] < -150
    assert abs(result.decades["residual"]) < 0.01 * abs(result.decades["measured"])
    assert result.verdict == "vanishing, dead"


def test_nothing_of_the_prediction_is_read_off_the_backward_pass(monkeypatch):
    builder = mlp(nn.ReLU)
    x = torch.randn(16, 128, generator=torch.Generator().manual_seed(0))
    honest = explain(builder, x, LABELS)
    monkeypatch.setattr(draw_module, "measure", lambda graph, watched: Measured(dict.fromkeys(watched, -1.0), {}, {}))
    blind = explain(builder, x, LABELS)
    for name in ("predicted", *CAUSES):
        assert blind.decades[name] == honest.decades[name]
