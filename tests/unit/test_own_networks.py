"""Networks that are no three-channel ResNets: from data in memory to tables, figures and prose."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from gradflow import GradflowError
from gradflow.analysis.ablations import ablations
from gradflow.analysis.aggregation import write_arms, write_tables
from gradflow.analysis.study import read_study
from gradflow.analysis.tables import write_table
from gradflow.data.batches import batches
from gradflow.data.normalization import channel_scale
from gradflow.data.splits import stratified_split
from gradflow.data.store import Dataset
from gradflow.models.build import build
from gradflow.models.catalogue import Architecture
from gradflow.models.main_path import beside_main_path
from gradflow.propagation.first_backward import first_backward
from gradflow.propagation.survey import theory_tables
from gradflow.report.prose.theory import why
from gradflow.report.prose.vanishing import does_it_vanish
from gradflow.report.prose.verdicts import verdict_table
from gradflow.runs import Run
from gradflow.thresholds import THRESHOLDS
from gradflow.training.loop import train
from gradflow.training.result import write_result
from synthetic import draw_figures


def in_memory(channels, side=6, count=80, classes=4):
    """Images of random pixels whose first channel tells their class."""
    generator = np.random.default_rng(0)
    labels = np.arange(count) % classes
    images = generator.integers(0, 100, (count, channels, side, side)).astype(np.uint8)
    images[:, 0] += (labels * 30).astype(np.uint8)[:, None, None]
    names = tuple(f"class {label}" for label in range(classes))
    return Dataset("memory", images, labels, stratified_split(labels), names, "f" * 64)


def numbered(classes, channels, image_size, layers):
    """A network whose layers are named "1", "3", "5"."""
    sizes = [channels * image_size**2] + [8] * (layers - 1) + [classes]
    parts = [part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(nn.Flatten(), *parts[:-1])


NUMBERED = Architecture(numbered, "numbers", options={"layers": 2})


def run_of(architecture, size=6, seed=0, **settings):
    return Run(architecture, "memory", "memory", size, seed=seed, width=None, epochs=2, batch_size=16, **settings)


@pytest.mark.parametrize("channels", [1, 5])
@pytest.mark.parametrize("normalization", ["none", "dataset"])
def test_images_of_any_number_of_channels_train_with_and_without_a_convolution(channels, normalization):
    data = in_memory(channels, side=32, count=40)
    flat = train(run_of("mlp", 32, normalization=normalization, activation="relu", depth=2), data)
    assert "filters_after" not in flat.arrays and list(flat["layer_name"]) == ["lin1", "lin2"]
    run = replace(run_of("cifar_resnet", 32, normalization=normalization, depth=8), width=0.125, epochs=1)
    assert train(run, data)["filters_after"].shape[1] == channels


def test_the_data_sets_own_statistics_standardise_the_training_images():
    data = in_memory(5)
    images, _ = next(batches(data, "train", 1000, torch.device("cpu"), "dataset", 6))
    assert torch.allclose(images.mean(dim=(0, 2, 3)), torch.zeros(5), atol=1e-5)
    assert torch.allclose(images.std(dim=(0, 2, 3), correction=0), torch.ones(5), atol=1e-5)


@pytest.mark.parametrize(
    ("normalization", "fill", "words"),
    [("imagenet", None, "is for images of three channels, those of memory have 5"), ("dataset", 7, "deviation 0")],
)
def test_a_normalization_that_does_not_fit_is_one_sentence(normalization, fill, words):
    data = in_memory(5)
    if fill is not None:
        data.images[:, 2] = fill
    with pytest.raises(GradflowError, match=words):
        channel_scale(data, normalization)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tables of networks of one, two and three layers whose names are numbers, two random seeds each."""
    folder, data = tmp_path_factory.mktemp("numbered"), in_memory(1)
    rows, paths, starts, runs = [], [], [], []
    for number in (1, 2, 3):
        for seed in (0, 1):
            run = run_of("numbers", seed=seed, options={"layers": number}, normalization="none")
            result = train(run, data, architecture=NUMBERED)
            result = replace(result, meta=result.meta | {"status": "completed"})  # they learn nothing of noise
            runs.append(run)
            paths.append(folder / "runs" / run.id / "norms.npz")
            write_result(paths[-1], result)
            arm = ["small", "Small", number - 1, str(number), run.id, seed, 2, "[2]", run.start]
            rows.append([*arm, "#000000", json.dumps([])])
            starts.append(first_backward(run, data, architecture=NUMBERED).assign(start=run.start, seed=seed))
    write_tables(paths, folder / "tables")
    write_arms(folder / "tables", rows)
    write_table(folder / "tables", "first_backward", pd.concat(starts))
    alone = {run.start: run for run in runs}.values()
    theory = theory_tables(alone, {run.dataset: data}, (0, 1), architectures={"numbers": NUMBERED})
    for name, table in zip(("theory", "theory_layers"), theory):
        write_table(folder / "tables", name, table)
    return folder


def test_layers_that_are_called_by_numbers_stay_names(folder):
    study = read_study(folder / "tables", "small")
    assert study.labels == ["1", "2", "3"] and study.layer_names("3") == ["1", "3", "5"]
    assert set(study.norms("2", "grad_rms", ["1"])["layer"]) == {"1"}
    assert list(study.runs["options"].unique()) == ['{"layers": 1}', '{"layers": 2}', '{"layers": 3}']
    assert len(ablations(study)) == 2


def test_networks_of_one_to_three_layers_go_through_figures_and_prose(folder):
    study = read_study(folder / "tables", "small")
    assert all(path.stat().st_size for path in draw_figures(folder, "small").values())
    said = does_it_vanish(study, THRESHOLDS)
    assert "has one layer (<code>1</code>), and nothing to compare" in said and "of the last (<code>5</code>)" in said
    assert "| 1 | – | – | – | – | GradflowError&#58; explain&#58; one layer with weights lies between" in why(study)
    verdict_table(study, THRESHOLDS)


def test_the_relative_gradient_at_init_follows_from_the_first_backward_passes(folder):
    study = read_study(folder / "tables", "small")
    at_init = study.profiles[(study.profiles["phase"] == "init") & (study.profiles["label"] == "3")]
    wide = at_init.pivot_table(index=["run", "layer"], columns="quantity", values="value")
    np.testing.assert_allclose(wide["relative_gradient"], wide["weight_norm"] * wide["weight_grad_norm"], rtol=1e-6)


# -- the main path -------------------------------------------------------------------------------------------------


class Branches(nn.Module):
    """Two convolutions beside one, concatenated; then a gate of one layer; then a head that is called twice."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.shortcut = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 1), nn.Conv2d(3, 4, 1)
        self.head, self.never = nn.Linear(8, 8), nn.Linear(1, 1)

    def forward(self, images):
        x = torch.cat([self.second(self.first(images).relu_()), self.shortcut(images)], dim=1)
        return {"logits": self.head(self.head(x.mean(dim=(2, 3))).relu())}


def test_the_main_path_is_the_longest_chain_of_any_network():
    assert beside_main_path(Branches(), torch.randn(2, 3, 8, 8)) == ["shortcut"]


@pytest.mark.parametrize("name", ["densenet121", "googlenet", "mobilenet_v2", "resnet34"])
def test_the_main_path_of_torchvisions_networks(name):
    extra = {"init_weights": False, "aux_logits": False} if name == "googlenet" else {}
    entry = Architecture(f"torchvision.models:{name}", plan=extra)
    with torch.device("meta"):
        model = build(entry, classes=10)
        beside = beside_main_path(model, torch.empty(2, 3, 64, 64))
    layers = [name for name, part in model.named_modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    if name == "resnet34":
        assert beside == [layer for layer in layers if "downsample" in layer]
    elif name == "googlenet":
        assert "inception3a.branch1.conv" in beside and "inception3a.branch2.1.conv" not in beside
    else:
        assert beside == []
