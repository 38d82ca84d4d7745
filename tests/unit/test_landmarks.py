"""Landmarks against closed forms, another quadrature and published laws; tables that come out the same again."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from conftest import ROOT
from gradflow import GradflowError, studies
from gradflow.analysis.statistics import variance_interval
from gradflow.analysis.tables import read_table, write_table
from gradflow.config import configuration
from gradflow.models.build import build
from gradflow.propagation.depth_scales import depth_scales
from gradflow.propagation.explain import explain
from gradflow.propagation.log_norm_variance import draw_log_norms, log_norm_variance_table
from gradflow.propagation.residual_by_width import residual_by_width_table
from gradflow.propagation.trainable_depth import random_tanh_network, trainable_depth_table
from gradflow.report.figures import figures
from gradflow.report.figures.log_norm_variance import slope

TANH = {"bias_variance": 0.05, "width": 64, "steps": 150, "batch_size": 16, "learning_rate": 0.01}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("variance", [0.2, 0.5, 0.9])
def test_a_linear_networks_depth_scales_are_those_of_its_weights_variance(variance):
    found = depth_scales(variance, 0.1, lambda u: u)
    assert found.variance == pytest.approx(0.1 / (1 - variance)) and found.correlation == 1
    assert found.correlation_length == pytest.approx(-1 / math.log(variance)) == found.gradient_length


def test_a_tanh_network_without_biases_is_critical_at_a_weight_variance_of_one():
    lengths = [depth_scales(variance, 0).correlation_length for variance in (0.9, 0.99, 0.999)]
    assert lengths == pytest.approx([-1 / math.log(variance) for variance in (0.9, 0.99, 0.999)])
    assert depth_scales(1, 0).correlation_length > 1e9
    assert depth_scales(0.99, 0).gradient_length > 0 > depth_scales(1.01, 0).gradient_length


@pytest.mark.parametrize("weight_variance", [1.3, 2.5, 4.0])
def test_two_samples_approach_their_correlation_as_the_correlation_length_says(weight_variance):
    """The recursion itself, layer by layer, on a grid of Gauss–Hermite points in two dimensions (Poole et al. 2016)."""
    points, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = np.outer(weights, weights) / (2 * np.pi)
    one, other = np.meshgrid(points, points, indexing="ij")
    variance, seen = 1.0, [0.5]
    for _ in range(300):
        first = np.tanh(np.sqrt(variance) * one)
        variance = weight_variance * (weights * first**2).sum() + 0.05
    for _ in range(40):
        first, rho = np.tanh(np.sqrt(variance) * one), seen[-1]
        second = np.tanh(np.sqrt(variance) * (rho * one + np.sqrt(1 - rho**2) * other))
        seen.append((weight_variance * (weights * first * second).sum() + 0.05) / variance)
    found = depth_scales(weight_variance, 0.05)
    left = np.abs(np.array(seen[10:25]) - found.correlation)
    assert found.variance == pytest.approx(variance) and left[-1] < left[0]
    assert -1 / np.log(left[-1] / left[-2]) == pytest.approx(found.correlation_length, rel=0.02)


def test_a_variance_that_grows_for_ever_is_refused():
    with pytest.raises(GradflowError, match=r"at σ_w² = 2 and σ_b² = 0.1 the variance .* grows without end"):
        depth_scales(2, 0.1, lambda u: u)


def test_a_random_tanh_network_has_the_variances_that_it_was_asked_for():
    first, _, last = random_tanh_network([400, 300, 10], 2.5, 0.05, seeded())
    assert first.weight.var().item() * 400 == pytest.approx(2.5, rel=0.02)
    assert last.weight.var().item() * 300 == pytest.approx(2.5, rel=0.1)
    assert first.bias.var().item() == pytest.approx(0.05, rel=0.3)


def test_a_network_trains_within_six_correlation_lengths_and_not_far_beyond_them(tmp_path):
    labels = torch.arange(60) % 3
    images = torch.randn(60, 1, 4, 4, generator=seeded()) / 2 + torch.eye(16)[labels].view(60, 1, 4, 4) * 3
    asked = {"classes": 3, "weight_variances": [1, 1.6], "depths": [3, 40], "draws": 1} | TANH
    table = trainable_depth_table(images, labels, **asked)
    accuracy = table.set_index(["weight_variance", "depth"])["train_accuracy"]
    assert accuracy[1, 3] > 0.9 > 0.5 > accuracy[1, 40] and accuracy[1.6, 40] > 0.9
    lengths = table.groupby("weight_variance")["correlation_length"].first()
    assert 3 < 6 * lengths[1] < 40 < 6 * lengths[1.6]
    assert table.equals(trainable_depth_table(images, labels, **asked))
    write_table(tmp_path, "trainable_depth", table)
    assert len(read_table(tmp_path, "trainable_depth")) == 4


def test_the_log_norm_of_relu_networks_is_as_hanin_and_nica_say(tmp_path):
    asked = {"widths": [64, 128], "depths": [5, 10], "draws": 500, "first_seed": 3}
    table = log_norm_variance_table(**asked)
    middle, low, high = slope(table)
    assert 4 < low < middle < high < 6
    assert (table["mean"] / table["inverse_widths"]).mean() == pytest.approx(-2.5, abs=0.5)
    assert table["inverse_widths"].tolist() == [5 / 64, 10 / 64, 5 / 128, 10 / 128]
    assert table.equals(log_norm_variance_table(**asked))
    write_table(tmp_path, "log_norm_variance", table)


def test_the_expected_squared_norm_of_a_draw_is_one():
    assert draw_log_norms(32, 3, 4000, seeded()).exp().mean().item() == pytest.approx(1, abs=0.05)


def test_layers_too_narrow_for_a_gradient_are_refused():
    with pytest.raises(GradflowError, match=r"a layer of 1 ReLUs was inactive in a draw.*take wider layers"):
        log_norm_variance_table(widths=[1], depths=[10], draws=20)


def test_a_variances_interval_is_that_of_the_chi_square_table():
    assert variance_interval(1.0, 10) == pytest.approx((10 / 20.483, 10 / 3.247), rel=1e-3)


def test_residuals_are_those_of_explain_network_by_network(tmp_path):
    images, labels = torch.randn(8, 3, 32, 32, generator=seeded()), torch.arange(8) % 3
    table = residual_by_width_table(images, labels, classes=3, widths=[0.0625], draws=2, first_seed=5)
    assert table.groupby("network", sort=False)["seed"].apply(list).tolist() == [[5, 6]] * 3
    assert (table["residual"] == table["measured"] - table["predicted"]).all()
    model = build("vgg16", classes=3, seed=6, width=0.0625, image_size=32, batch_norm=False)
    decades = explain(model, images, labels, first_seed=6).decades
    row = table[(table["network"] == "VGG-16") & (table["seed"] == 6)].iloc[0]
    assert row["measured"] == pytest.approx(decades["measured"], abs=1e-9)
    assert row["residual"] == pytest.approx(decades["residual"], abs=1e-9)
    assert table.equals(residual_by_width_table(images, labels, classes=3, widths=[0.0625], draws=2, first_seed=5))
    write_table(tmp_path, "residual_by_width", table)


def test_the_overlay_selects_the_landmarks_and_no_training_study():
    config = configuration.read_configuration(ROOT / "config.yaml", ROOT / "config" / "landmarks.yaml")
    assert config["select"] == ["landmarks"] and studies.expand(config) == []
    assert "landmarks" not in configuration.read_configuration(ROOT / "config.yaml")["select"]


ROWS = {
    "trainable_depth": {
        "weight_variance": 2.0, "depth": 10, "seed": 0, "correlation_length": math.inf, "gradient_length": -3.0,
        "train_accuracy": 0.5,
    },
    "log_norm_variance": {
        "width": 32, "depth": 4, "draws": 10, "inverse_widths": 0.125, "mean": -0.3, "variance": 0.6,
    },
    "residual_by_width": {
        "network": "VGG-16", "width": 0.5, "seed": 0, "measured": math.nan, "predicted": -6.0, "residual": math.nan,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_a_landmarks_figure_draws_a_single_row_too(name, tmp_path):
    write_table(tmp_path, name, pd.DataFrame([ROWS[name]]))
    paths = [tmp_path / f"{name}.{suffix}" for suffix in ("png", "svg")]
    figures()[name].write(paths, {name: [tmp_path / f"{name}.parquet"]}, {})
    assert all(path.stat().st_size > 5000 for path in paths)
