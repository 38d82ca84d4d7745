"""Training: repeatable to the byte, honest about runs that fail, and measuring what it says."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from gradflow import GradflowError
from gradflow.data import store
from gradflow.data.batches import batches
from gradflow.models.build import build
from gradflow.runs import Run
from gradflow.training.device import choose_device
from gradflow.training.loop import train
from gradflow.training.result import read_result, write_result

RUN = Run("resnet18", "digits", "digits", 32, seed=0, width=0.0625, init="he", batch_size=64, epochs=2)


@pytest.fixture(scope="module")
def dataset(digits):
    return store.load_dataset(digits)


@pytest.fixture(scope="module")
def result(dataset):
    return train(RUN, dataset)


@pytest.mark.parametrize(
    "run",
    [
        RUN,
        replace(RUN, architecture="vgg16", optimizer="adam", learning_rate=1e-3, step_size=1, epochs=1, width=0.03125),
    ],
    ids=["resnet", "vgg with dropout, Adam and a schedule"],
)
def test_the_same_run_twice_gives_the_same_bytes(run, dataset):
    a = train(run, dataset)
    torch.manual_seed(999)  # what happened before must not matter
    b = train(run, dataset)
    assert a.arrays.keys() == b.arrays.keys()
    for name in a.arrays:
        assert a[name].tobytes() == b[name].tobytes(), name
    assert json.dumps(a.meta, sort_keys=True) == json.dumps(b.meta, sort_keys=True)


def test_another_seed_gives_other_numbers(result, dataset):
    other = train(replace(RUN, seed=1), dataset)
    assert not np.array_equal(other["grad_output_norm"], result["grad_output_norm"])


def test_the_first_row_is_the_gradient_of_the_first_batch_at_init(result, dataset):
    torch.manual_seed(RUN.seed)
    model = build(RUN.architecture, classes=10, init=RUN.init, **RUN.model_options)
    shuffle = torch.Generator().manual_seed(RUN.seed)
    images, labels = next(batches(dataset, "train", RUN.batch_size, torch.device("cpu"), "imagenet", 32, shuffle))
    loss = cross_entropy(model(images), labels)
    loss.backward()
    assert result["loss"][0] == pytest.approx(loss.item(), rel=1e-6)
    names = list(result["layer_name"])
    expected = [model.get_submodule(name).weight.grad.norm().item() for name in names]
    np.testing.assert_allclose(result["weight_grad_norm"][0], expected, rtol=1e-4)


def test_a_run_learns_and_its_result_is_whole(dataset, tmp_path):
    run = replace(RUN, epochs=4, width=0.25, learning_rate=0.05, momentum=0.9)
    result = train(run, dataset)
    assert result.meta["status"] == "completed"
    assert result["test_accuracy"] > 0.6
    assert result["confusion_matrix"].sum() == len(dataset.indices("test"))
    steps = -(-len(dataset.indices("train")) // run.batch_size) * run.epochs
    assert len(result["step"]) == steps and result["batch_size"].sum() == 4 * len(dataset.indices("train"))
    assert not np.array_equal(result["filters_before"], result["filters_after"])
    write_result(tmp_path / "norms.npz", result)
    back = read_result(tmp_path / "norms.npz")
    assert all(
        np.array_equal(back[name], array, equal_nan=array.dtype.kind == "f") for name, array in result.arrays.items()
    )


def test_a_diverging_run_is_a_result(dataset, tmp_path):
    run = replace(RUN, architecture="vgg_deep", learning_rate=1000.0, epochs=3)
    result = train(run, dataset)
    assert result.meta["status"] == "diverged" and "not finite from step" in result.meta["reason"]
    assert len(result["train_loss"]) < 3  # it ends with the epoch in which it happened
    assert result["nonfinite"].sum() > 0
    write_result(tmp_path / "norms.npz", result)
    assert read_result(tmp_path / "norms.npz").meta["status"] == "diverged"


def test_a_run_that_learns_nothing_is_called_stalled(dataset):
    result = train(replace(RUN, architecture="vgg_deep", init="default", epochs=1), dataset)
    assert result.meta["status"] == "stalled" and "guessing" in result.meta["reason"]


def test_bf16_stays_close_to_fp32_at_init(dataset):
    run = replace(RUN, architecture="vgg_deep", width=0.125, batch_size=256, epochs=1)
    single, half = (train(replace(run, precision=precision), dataset) for precision in ("fp32", "bf16"))
    np.testing.assert_allclose(half["grad_output_norm"][0], single["grad_output_norm"][0], rtol=0.05)
    assert not np.array_equal(half["grad_output_norm"], single["grad_output_norm"])


def test_the_schedule_sets_the_learning_rate(dataset):
    result = train(replace(RUN, step_size=1, gamma=0.1), dataset)
    assert [result["learning_rate"][result["epoch"] == e][0] for e in (0, 1)] == pytest.approx([0.01, 0.001])


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a CUDA device")
def test_cuda_asked_for_and_missing_is_an_error():
    with pytest.raises(GradflowError, match="device: cuda was asked for"):
        choose_device("cuda")
    assert choose_device("auto").type == "cpu"
