"""The theory against closed forms and random networks: quadrature to ten digits, kernels, the pure prediction."""

import math

import pytest
import torch
from explained import LABELS, images, mlp
from torch import nn
from torch.nn import functional

from gradflow import build, explain
from gradflow.propagation.kernels import kernel_of, of_the_largest, through_gate
from gradflow.propagation.quadrature import derivative, dual, expectation, largest_of, mean_inverse_variance

TEN_DIGITS = 1e-10


@pytest.mark.parametrize("variance", [0.01, 1.0, 7.3])
@pytest.mark.parametrize("slope", [0.0, 0.01, 0.3, 1.0])
def test_expectations_of_relu_leaky_relu_and_the_line_have_their_closed_forms(variance, slope):
    function = lambda x: functional.leaky_relu(x, slope)  # noqa: E731
    square = expectation(lambda x: function(x).square(), 0.0, variance, (0.0,))
    assert square == pytest.approx(variance * (1 + slope**2) / 2, abs=TEN_DIGITS)
    gate = expectation(lambda x: derivative(function)(x).square(), 0.0, variance, (0.0,))
    assert gate == pytest.approx((1 + slope**2) / 2, abs=TEN_DIGITS)


def test_a_relu_whose_mean_is_not_zero():
    """E relu(x) = m Φ(m/s) + s φ(m/s)."""
    mean, spread = 0.7, 1.3
    ratio = mean / spread
    normal = math.exp(-(ratio**2) / 2) / math.sqrt(2 * math.pi)
    expected = mean * 0.5 * math.erfc(-ratio / math.sqrt(2)) + spread * normal
    assert expectation(functional.relu, mean, spread**2, (0.0,)) == pytest.approx(expected, abs=TEN_DIGITS)


@pytest.mark.parametrize(
    ("function", "kinks", "gate"),
    [
        (torch.sigmoid, (), 0.0448),
        (torch.tanh, (), 0.4644),
        (functional.elu, (0.0,), 0.668),
        (functional.gelu, (), 0.456),
        (functional.selu, (0.0,), 1.072),
    ],
)
def test_the_gates_that_are_known_at_unit_variance(function, kinks, gate):
    found = expectation(lambda x: derivative(function)(x).square(), 0.0, 1.0, kinks)
    assert found == pytest.approx(gate, abs=6e-4)


def test_the_kernel_of_relu_is_the_arc_cosine_one():
    """Cho & Saul 2009, eq. 6."""
    rho = torch.linspace(-1, 1, 21, dtype=torch.float64)
    expected = (torch.sqrt(1 - rho**2) + rho * (math.pi - torch.arccos(rho))) / (2 * math.pi)
    torch.testing.assert_close(dual(functional.relu, 0.0, 1.0, (0.0,), rho), expected, rtol=0, atol=1e-5)


def test_the_mean_of_an_inverse_variance():
    """Of n equal eigenvalues σ²/λ is χ²: E 1/σ² = 1/(λ (n − 2)); of others, by a million draws."""
    for count in (3, 8, 100):
        equal = torch.full((count,), 0.5, dtype=torch.float64)
        assert mean_inverse_variance(equal) == pytest.approx(2 / (count - 2), abs=TEN_DIGITS)
    uneven = 0.5 ** torch.arange(12, dtype=torch.float64)
    draws = torch.randn(1_000_000, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    drawn = (1 / (draws.square() @ uneven)).mean().item()
    assert mean_inverse_variance(uneven) == pytest.approx(drawn, rel=0.01)


def test_the_largest_of_several_gaussians():
    points, weights = largest_of(4)
    assert float((weights * points).sum()) == pytest.approx(1.0293753730039641, abs=TEN_DIGITS)
    draws = torch.randn(400_000, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    alike = math.sqrt(0.6) * draws[:, :1] + math.sqrt(0.4) * draws[:, 1:]
    gate = (alike.amax(1) > 0).double().mean().item()
    assert of_the_largest(lambda x: (x > 0).double(), 0.0, 1.0, 0.6, 4) == pytest.approx(gate, abs=0.003)


def test_a_kernel_is_the_mean_product_of_random_convolutions():
    """One random convolution without a border and an activation, over many channels, has the kernel of the theory."""
    x = images(12).double()
    x = x / x.norm(dim=1, keepdim=True)  # all positions alike, as the theory takes them
    convolution = nn.Conv2d(3, 4000, 1, bias=False).double()
    nn.init.normal_(convolution.weight, std=math.sqrt(2 / 3), generator=torch.Generator().manual_seed(0))
    kernel = kernel_of(x)
    after = through_gate(type(kernel)(2 * kernel.values, kernel.samples), torch.tanh, ())
    drawn = kernel_of(torch.tanh(convolution(x)).detach())
    assert after.second == pytest.approx(drawn.second, rel=0.03)
    assert after.values[0, 0, 1] / after.second == pytest.approx(float(drawn.values[0, 0, 1]) / drawn.second, abs=0.05)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Sigmoid, nn.Tanh, nn.GELU])
@pytest.mark.parametrize("init", ["default", "xavier", "he"])
def test_chains_are_predicted_from_choices_alone(activation, init):
    x = torch.randn(32, 128, generator=torch.Generator().manual_seed(0))
    result = explain(mlp(activation, init=init), x, torch.arange(32) % 10, seeds=8, probes=1)
    assert result.decades["pure"] == pytest.approx(result.decades["measured"], abs=0.09)


@pytest.mark.parametrize(
    ("name", "options", "within"),
    [
        ("vgg16", {}, 0.12),
        ("vgg16", {"init": "he"}, 0.2),
        ("vgg19", {}, 0.12),
        ("vgg16", {"batch_norm": True}, 0.3),
        ("resnet18", {"skip": False, "batch_norm": False}, 0.25),
        ("resnet18", {}, 0.3),
    ],
)
def test_networks_are_predicted_from_choices_alone(name, options, within):
    builder = lambda: build(name, classes=10, width=0.25, **options)  # noqa: E731
    result = explain(builder, images(32), LABELS, seeds=2, probes=1)
    assert result.decades["pure"] == pytest.approx(result.decades["measured"], abs=within)


def test_without_the_coupling_a_chain_of_gelu_is_not_met():
    """E‖Wᵀδ‖² = Var W (n − 1) ‖δ‖² + (z·δ)² / ‖h‖²: of sixteen layers the second term makes a tenth of a decade."""
    x = torch.randn(32, 128, generator=torch.Generator().manual_seed(0))
    result = explain(mlp(nn.GELU), x, torch.arange(32) % 10, seeds=4)
    assert result.decades["coupling"] > 0.05


def test_trained_weights_are_not_predicted_from_choices_and_it_is_said():
    model = mlp(nn.ReLU)()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter**3 * 100)  # heavy tails, as training leaves them
    result = explain(model, torch.randn(16, 128), LABELS)
    assert math.isnan(result.decades["pure"])
    assert all(layer.pure is None for layer in result.layers)
    assert any("trained" in note for note in result.notes)


def test_what_choices_do_not_say_is_named():
    model = nn.Sequential(nn.Linear(8, 32), nn.LayerNorm(32), nn.Linear(32, 10))
    result = explain(model, torch.randn(16, 8), LABELS)
    assert any("NativeLayerNorm" in note for note in result.notes)
    assert not result.unknown
