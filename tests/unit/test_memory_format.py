"""Training in channels_last, in bf16 and in fp64: the same run contiguous in fp32 is what each is held against."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from gradflow import GradflowError, GradientRecorder
from gradflow.data import store
from gradflow.models.build import build
from gradflow.models.catalogue import Architecture
from gradflow.runs import Run
from gradflow.training.checkpoint import Checkpoint
from gradflow.training.loop import train
from gradflow.training.memory_format import FORMATS, set_memory_format
from interruptions import RUNS, assert_same, few_digits, interrupted

RUN = Run("vgg16", "digits", "digits", 32, seed=0, width=0.125, init="he", batch_size=32, epochs=1, dropout=0.0)
MLP = replace(RUN, architecture="mlp", width=None, dropout=None, depth=3)
NORMS = ("grad_output_norm", "grad_sample_norm", "grad_rms", "weight_grad_norm", "weight_norm")
MODELS = {
    "vgg16": {"width": 0.125, "dropout": 0.0},
    "resnet18": {"width": 0.25},
    "cifar_resnet": {"width": 1.0, "depth": 8},
}


@pytest.fixture(scope="module")
def dataset(digits):
    return few_digits(digits)


@pytest.mark.parametrize("architecture", MODELS)
def test_what_is_recorded_in_channels_last_is_the_gradient_in_float64(architecture):
    """Each layer's norms against autograd alone, on contiguous tensors."""
    torch.manual_seed(0)
    images, labels = torch.randn(8, 3, 32, 32), torch.randint(10, (8,))
    model = build(architecture, classes=10, init="he", seed=0, **MODELS[architecture]).double()
    with GradientRecorder(model, record=["activation_norm", "zero_share"]) as recorder:
        cross_entropy(model(images.double()), labels).backward()
        recorder.step()
    truth, layers = recorder.norms(), recorder.layers
    model = build(architecture, classes=10, init="he", seed=0, **MODELS[architecture])
    assert set_memory_format(model, "channels_last") == "channels_last"
    with GradientRecorder(model, record=["activation_norm", "zero_share"]) as recorder:
        cross_entropy(model(images.contiguous(memory_format=torch.channels_last)), labels).backward()
        recorder.step()
    assert recorder.layers == layers
    convolution = next(module for module in model.modules() if isinstance(module, nn.Conv2d) and module.in_channels > 3)
    assert convolution.weight.grad.is_contiguous(memory_format=torch.channels_last)
    for name, found in recorder.norms().items():
        np.testing.assert_allclose(found, truth[name], rtol=1e-4, atol=1e-4 * (name == "zero_share"), err_msg=name)


def test_the_norm_per_sample_is_that_of_samples_taken_one_by_one():
    torch.manual_seed(0)
    images, labels = torch.randn(4, 3, 32, 32), torch.randint(10, (4,))
    model = build("vgg16", classes=10, init="he", seed=0, **MODELS["vgg16"])
    set_memory_format(model, "channels_last")
    with GradientRecorder(model) as recorder:
        cross_entropy(model(images.contiguous(memory_format=torch.channels_last)), labels).backward()
        recorder.step()
    found = recorder.norms()["grad_sample_norm"][0]
    single = []
    for image, label in zip(images, labels):
        with GradientRecorder(model) as recorder:
            model.zero_grad()
            cross_entropy(model(image[None]), label[None]).backward()
            recorder.step()
        single.append(recorder.norms()["grad_output_norm"][0])
    np.testing.assert_allclose(found, np.sqrt(np.mean(np.square(single), axis=0)), rtol=1e-4)


@pytest.mark.parametrize("architecture", MODELS)
@pytest.mark.parametrize(("precision", "rtol"), [("fp64", 1e-8), ("fp32", 5e-3)])
def test_a_run_in_channels_last_measures_what_it_measures_contiguous(dataset, architecture, precision, rtol):
    """In float32 the digits' black ground puts many units of a batch norm where rounding opens or shuts a ReLU."""
    run = replace(RUN, architecture=architecture, precision=precision, **({"dropout": None} | MODELS[architecture]))
    one, other = (train(run, dataset, memory_format=name) for name in FORMATS)
    assert [made.meta.pop("memory_format") for made in (one, other)] == ["contiguous", "channels_last"]
    assert one.meta | {"reason": ""} == other.meta | {"reason": ""}
    for name in NORMS:
        np.testing.assert_allclose(other[name][0], one[name][0], rtol=rtol, err_msg=name)
    np.testing.assert_allclose(other["update_ratio"][0], one["update_ratio"][0], rtol=2 * rtol)
    np.testing.assert_array_equal(other["filters_before"], one["filters_before"])
    assert other["filters_after"].flags.c_contiguous


def test_linear_layers_alone_are_contiguous_whatever_is_asked_for(dataset):
    one, other = (train(MLP, dataset, memory_format=name) for name in FORMATS)
    assert one.meta["memory_format"] == "contiguous"
    assert_same(one, other)


def test_what_onednn_computes_wrong_is_trained_contiguous_and_said(dataset, capsys):
    run = replace(RUN, architecture="resnet18", dropout=None, precision="fp32")
    assert train(run, dataset, memory_format="channels_last").meta["memory_format"] == "contiguous"
    said = "trains contiguous, not channels_last: the strided 1×1 convolution layer2.0.downsample.0 has fewer than 16"
    assert said in capsys.readouterr().out
    assert train(replace(run, width=0.25), dataset, memory_format="channels_last").meta["memory_format"] != "contiguous"


def test_another_format_is_refused(dataset):
    with pytest.raises(GradflowError, match="memory_format is 'nhwc'; choose one of contiguous, channels_last"):
        train(RUN, dataset, memory_format="nhwc")


class Viewing(nn.Module):
    """A network that takes a view of what a convolution returns."""

    def __init__(self):
        super().__init__()
        self.convolution, self.linear = nn.Conv2d(3, 4, 3), nn.Linear(4 * 30 * 30, 10)

    def forward(self, images):
        return self.linear(self.convolution(images).view(len(images), -1))


def viewing(*, classes):
    return Viewing()


def test_a_network_that_takes_views_trains_contiguous_and_is_refused_otherwise(dataset):
    entry = Architecture(viewing, "views", "#000000")
    run = replace(RUN, architecture="views", width=None, dropout=None, init="default")
    assert train(run, dataset, architecture=entry).meta["memory_format"] == "contiguous"
    with pytest.raises(GradflowError, match=r"views-.*calls view\(\).*use flatten\(\).*memory_format: contiguous"):
        train(run, dataset, architecture=entry, memory_format="channels_last")


@pytest.mark.parametrize("name", ["Adam, dropout, a schedule", "bf16, batch norm, dropout and every option"])
@pytest.mark.parametrize("begun", FORMATS)
def test_a_resumed_run_keeps_the_format_that_it_was_begun_in(dataset, tmp_path, name, begun):
    whole = train(RUNS[name], dataset, memory_format=begun)
    assert whole.meta["memory_format"] == begun
    assert interrupted(RUNS[name], dataset, tmp_path / "run.pt", 9, memory_format=begun)
    other = next(format for format in FORMATS if format != begun)
    resumed = train(RUNS[name], dataset, checkpoint=Checkpoint(tmp_path / "run.pt"), memory_format=other)
    assert len(resumed.provenance["resumed_at"]) == 1
    assert_same(resumed, whole)


@pytest.mark.parametrize("memory_format", FORMATS)
def test_bf16_norms_at_the_first_step_are_fp32s(digits, memory_format):
    run = replace(RUN, batch_size=256, width=0.25)
    whole = store.load_dataset(digits)
    single = train(replace(run, epochs=1), whole)
    half = train(replace(run, precision="bf16"), whole, memory_format=memory_format)
    for name in NORMS:
        np.testing.assert_allclose(half[name][0], single[name][0], rtol=0.03, err_msg=name)
    assert not np.array_equal(half["grad_output_norm"], single["grad_output_norm"])
    assert np.isfinite(half["update_ratio"][0]).all()


@pytest.mark.parametrize("run", [MLP, replace(RUN, width=0.0625)], ids=["mlp", "vgg16"])
def test_fp64_is_a_second_arithmetic(dataset, run):
    single, double = (train(replace(run, precision=precision), dataset) for precision in ("fp32", "fp64"))
    for name in NORMS:
        assert double[name].dtype == np.float64
        np.testing.assert_allclose(double[name][0], single[name][0], rtol=1e-4, err_msg=name)
    assert 0 < abs(double["loss"][0] - single["loss"][0]) < 1e-5
    assert 0 < abs(double["test_loss"] - single["test_loss"]) < 1e-3
