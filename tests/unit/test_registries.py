"""The registries of optimizers, schedules and quantities: they say what torch and the results say, and can grow."""

import copy
import inspect
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from test_results import make
from torch import nn

from gradflow import GradflowError, GradientRecorder, studies
from gradflow.analysis.aggregation import setting_columns
from gradflow.builders import load_builder
from gradflow.config import configuration
from gradflow.recorder import quantities
from gradflow.recorder.quantities import QUANTITIES, Quantity
from gradflow.runs import Run
from gradflow.training import result as results
from gradflow.training.loop import make_optimizer
from gradflow.training.memory_format import FORMATS, set_memory_format
from gradflow.training.optimizers import OPTIMIZERS, REFUSED, resolve_optimizer
from gradflow.training.schedules import make_schedule

RUN = Run("vgg16", "digits", "digits", 32, seed=0, width=0.25, learning_rate=0.1, epochs=4)
# How an optimizer is computed, not what it computes.
IMPLEMENTATION = {"params", "lr", "foreach", "maximize", "capturable", "differentiable", "fused"}


# -- optimizers ----------------------------------------------------------------------------------------------------


def test_every_optimizer_of_torch_is_there_or_refused():
    kinds = {name for name in dir(torch.optim) if isinstance(getattr(torch.optim, name), type)} - {"Optimizer"}
    refused = {"LBFGS", "SparseAdam", "Muon"}
    assert {entry.kind for entry in OPTIMIZERS.values()} == {f"torch.optim:{name}" for name in kinds - refused}
    assert len(REFUSED) == len(refused)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_entry_has_torchs_own_arguments_and_defaults_and_trains(name):
    parameters = inspect.signature(load_builder(OPTIMIZERS[name].kind)).parameters
    theirs = {key: part.default for key, part in parameters.items() if key not in IMPLEMENTATION}
    ours = {key: tuple(v) if isinstance(v, list) else v for key, v in OPTIMIZERS[name].settings.items()}
    assert ours == theirs
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2))
    optimizer = make_optimizer(replace(RUN, optimizer=name, weight_decay=ours.get("weight_decay", 0.0)), model)
    before = model[0].weight.clone()
    model(torch.randn(3, 1, 4, 4)).sum().backward()
    optimizer.step()
    assert not torch.equal(before, model[0].weight) and model[0].weight.isfinite().all()


def test_an_optimizers_arguments_reach_it_and_defaults_are_left_out():
    given = {"optimizer": "adam", "optimizer_options": {"betas": [0.8, 0.9], "eps": 1e-8}}
    resolved = resolve_optimizer(given)
    assert resolved == {"momentum": 0.0, "weight_decay": 0.0, "optimizer_options": {"betas": [0.8, 0.9]}}
    optimizer = make_optimizer(replace(RUN, optimizer="adam", **resolved), nn.Linear(2, 2))
    assert tuple(optimizer.defaults["betas"]) == (0.8, 0.9)


@pytest.mark.parametrize("name", ["adam", "adamw"])
@pytest.mark.parametrize("memory_format", FORMATS)
def test_how_an_optimizer_computes_is_not_what_it_computes(name, memory_format):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 8, 1), nn.Flatten(), nn.Linear(32, 2)).double()
    set_memory_format(model, memory_format)
    plain = copy.deepcopy(model)
    pair = (
        make_optimizer(replace(RUN, optimizer=name), model),
        load_builder(OPTIMIZERS[name].kind)(plain.parameters(), lr=RUN.learning_rate, weight_decay=RUN.weight_decay),
    )
    for _ in range(3):
        images = torch.randn(5, 3, 4, 4, dtype=torch.float64)
        for network, optimizer in zip((model, plain), pair):
            optimizer.zero_grad()
            network(images).square().sum().backward()
            optimizer.step()
    for ours, theirs in zip(model.parameters(), plain.parameters()):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


def test_weights_with_gaps_in_memory_are_updated_plainly():
    model = nn.Linear(3, 2)
    assert make_optimizer(replace(RUN, optimizer="adam"), model).defaults["fused"]
    model.weight = nn.Parameter(torch.randn(2, 5)[:, :3])
    assert not make_optimizer(replace(RUN, optimizer="adam"), model).defaults["fused"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"optimizer": "lbfgs"}, "optimizer: lbfgs cannot be used, as it steps with a closure"),
        ({"optimizer": "adam", "momentum": 0.9}, "momentum: adam takes none; set it to 0 or use one of sgd, rmsprop"),
        ({"optimizer": "rprop", "weight_decay": 0.1}, "weight_decay: rprop takes none"),
        ({"optimizer_options": {"betas": [1, 2]}}, "optimizer_options.betas: sgd has no such argument; it takes damp"),
        ({"optimizer": "adam", "optimizer_options": {"betas": 0.9}}, "must be like"),
        ({"optimizer": "adam", "optimizer_options": {"eps": "small"}}, "must be like 1e-08"),
    ],
)
def test_what_an_optimizer_does_not_take_is_one_sentence(settings, words):
    with pytest.raises(GradflowError, match=words):
        resolve_optimizer(settings)


def test_values_that_torch_refuses_are_refused_before_any_job():
    config = configuration.complete(
        {
            "select": ["one"],
            "studies": {"one": {"question": "?", "vary": [{"architecture": "vgg_shallow"}]}},
        }
    )
    config["studies"]["one"]["base"] = {"optimizer_options": {"nesterov": True}}
    with pytest.raises(GradflowError, match=r"studies.one.*Nesterov"):
        studies.check_models(studies.expand(config))


# -- schedules -----------------------------------------------------------------------------------------------------


def rates(steps_per_epoch=5, **settings):
    run = replace(RUN, **settings)
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), run.learning_rate)
    schedule = make_schedule(run, optimizer, steps_per_epoch)
    seen = []
    for _ in range(run.epochs * steps_per_epoch):
        optimizer.step()
        seen.append(schedule.get_last_lr()[0])
        schedule.step()
    return seen


def test_the_schedules_are_their_closed_forms():
    steps = range(20)
    assert rates() == [0.1] * 20
    assert rates(step_size=2, gamma=0.1) == pytest.approx([0.1 * 0.1 ** (t // 10) for t in steps])
    cosine = [0.1 * (1 + math.cos(math.pi * t / 20)) / 2 for t in steps]
    assert rates(schedule="cosine") == pytest.approx(cosine)
    warm = [min(1, (t + 1) / 10) for t in steps]
    assert rates(warmup_epochs=2.0) == pytest.approx([0.1 * w for w in warm])
    assert rates(warmup_epochs=2.0, schedule="cosine") == pytest.approx([c * w for c, w in zip(cosine, warm)])
    stepped = [0.1 * 0.5 ** (t // 5) * w for t, w in zip(steps, warm)]
    assert rates(warmup_epochs=2.0, step_size=1) == pytest.approx(stepped)


def test_settings_that_came_later_leave_ids_and_results_as_they_were():
    assert not {"options", "optimizer_options", "schedule", "warmup_epochs"} & RUN.settings.keys()
    assert Run(**RUN.settings) == RUN
    for change in ({"schedule": "cosine"}, {"warmup_epochs": 1.0}, {"optimizer_options": {"dampening": 0.5}}):
        other = replace(RUN, **change)
        assert other.id != RUN.id and other.start == RUN.start and change.items() <= other.settings.items()
    other = replace(RUN, options={"heads": 4})
    assert (
        other.start != RUN.start
        and setting_columns(other)["options"] == '{"heads": 4}'
        and other.model_options["heads"] == 4
    )


# -- quantities ----------------------------------------------------------------------------------------------------


def test_the_relative_gradient_is_the_product_of_the_norms_and_free_of_scale():
    def measured(scale):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 2))
        with torch.no_grad():
            model[0].weight *= scale
        with GradientRecorder(model) as recorder:
            model(torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(1))).pow(2).sum().backward()
            recorder.step()
        return recorder.norms()

    one, ten = measured(1), measured(10)
    product = one["weight_norm"] * one["weight_grad_norm"]
    np.testing.assert_allclose(one["relative_gradient"], product, rtol=1e-6)
    np.testing.assert_allclose(ten["relative_gradient"], one["relative_gradient"], rtol=1e-2)
    assert ten["weight_grad_norm"][0, 0] < 0.2 * one["weight_grad_norm"][0, 0]


def test_a_result_made_before_a_quantity_gives_it_where_it_can_be_derived(tmp_path):
    results.write_result(tmp_path / "norms.npz", make())
    result = results.read_result(tmp_path / "norms.npz")
    assert "relative_gradient" not in result.arrays
    np.testing.assert_array_equal(result["relative_gradient"], result["weight_norm"] * result["weight_grad_norm"])


def peak(gradient, module):
    """The largest element of a gradient: what a test measures on request."""
    return gradient.abs().max()


@pytest.fixture
def with_peak(monkeypatch):
    """The registries with one quantity more, measured on request."""
    extra = Quantity("peak", "largest gradient", measure=f"{__name__}:peak")
    names = (*quantities.NAMES, "peak")
    for module, name, value in [
        ("gradflow.recorder.quantities", "QUANTITIES", (*QUANTITIES, extra)),
        ("gradflow.recorder.history", "QUANTITIES", (*QUANTITIES, extra)),
        ("gradflow.training.result", "NAMES", names),
    ]:
        monkeypatch.setattr(f"{module}.{name}", value)
    monkeypatch.setitem(quantities._BY_NAME, "peak", extra)


def test_a_quantity_on_request_is_measured_where_it_is_requested_and_reads_nan_elsewhere(with_peak):
    model, images = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)), torch.randn(5, 4)
    hidden = []
    model[0].register_forward_hook(lambda module, args, output: hidden.append(output))
    model[0].register_forward_hook(lambda module, args, output: output.retain_grad())
    with GradientRecorder(model) as plain, GradientRecorder(model, record=["peak"]) as recorder:
        model(images).pow(2).sum().backward()
        plain.step(), recorder.step()
    assert "peak" not in plain.norms()
    assert recorder.norms()["peak"][0, 0] == pytest.approx(hidden[0].grad.abs().max().item())
    assert np.isnan(make()["peak"]).all()


def test_a_quantity_that_is_not_measured_on_request_is_refused():
    with pytest.raises(GradflowError, match="config: record names 'sharpness', no quantity"):
        configuration.complete({"record": ["sharpness"]})
