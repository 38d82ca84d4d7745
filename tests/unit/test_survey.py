"""Explanations as tables: what they say is what explain says, and whatever cannot be explained is a row too."""

import numpy as np
import pytest
import torch
from torch import nn

from gradflow import explain
from gradflow.causes import CAUSES
from gradflow.data import store
from gradflow.models.catalogue import CATALOGUE, Architecture
from gradflow.propagation.alignment import alignment_table
from gradflow.propagation.first_backward import at_its_start, first_backward
from gradflow.propagation.survey import survey_table, theory_tables
from synthetic import a_run


def shallow(init, **options):
    return a_run("vgg_shallow", init=init, width=1 / 8, batch_size=16, **options)


def test_a_row_of_the_theory_is_the_explanation_of_the_first_batch_of_the_run(digits):
    data, run = store.load_dataset(digits), shallow("he")
    totals, layers = theory_tables([run], {"digits": data}, seeds=[3, 4])
    assert list(totals["seed"]) == [3, 4] and set(totals["start"]) == {run.start} and set(totals["reason"]) == {""}
    np.testing.assert_allclose(totals[[*CAUSES]].sum(axis=1), totals["predicted"], atol=1e-5)
    np.testing.assert_allclose(totals["measured"] - totals["predicted"], totals["residual"], atol=1e-12)
    assert np.isfinite(totals["pure"][0]) and np.isnan(totals["pure"][1])  # choices alone say the same of every draw
    model, *batch = at_its_start(shallow("he", seed=3), data)
    assert explain(model, *batch, first_seed=3, remedies=False).decades["measured"] == totals["measured"][0]
    own = first_backward(shallow("he", seed=3), data)
    own = own[own["quantity"] == "grad_sample_norm"].set_index("layer")["value"]
    mine = layers[layers["seed"] == 3].set_index("layer")["measured"]
    np.testing.assert_allclose(mine, own[mine.index], rtol=1e-4)


def test_the_survey_has_every_architecture_under_every_initialisation_at_its_sources_size():
    chosen = {name: CATALOGUE[name] for name in ("vgg_shallow", "cifar_resnet")}
    table = survey_table(chosen, inits=["default", "he"], seeds=[0, 1], width=1 / 8, images=8)
    assert len(table) == 8 and set(zip(table["architecture"], table["image_size"])) == {
        ("vgg_shallow", 64),
        ("cifar_resnet", 32),
    }
    means = table.groupby(["architecture", "init"])["measured"].mean()
    assert means["vgg_shallow", "default"] < means["vgg_shallow", "he"] - 1
    again = survey_table(chosen, inits=["default", "he"], seeds=[0, 1], width=1 / 8, images=8)
    assert table.equals(again)


def one_layer(**given):
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, given["num_classes"]))


def test_an_architecture_that_cannot_be_explained_is_a_row_with_the_reason():
    own = {"single": Architecture(one_layer, "Single"), "vgg_shallow": CATALOGUE["vgg_shallow"]}
    table = survey_table(own, inits=["he"], seeds=[0], width=1 / 16, images=4).set_index("architecture")
    assert "one layer with weights lies between the input and the loss" in table.loc["single", "reason"]
    assert np.isnan(table.loc["single", "measured"]) and table.loc["single", "label"] == "Single"
    assert np.isfinite(table.loc["vgg_shallow", "measured"]) and not table.loc["vgg_shallow", "reason"]


@pytest.mark.parametrize("rate", [0.02, 1e12])
def test_training_aligns_the_gradient_and_a_diverged_training_ends_its_rows(digits, rate):
    settings = {"init": "he", "learning_rate": rate, "momentum": 0.9, "batch_size": 32, "width": 0.25}
    table = alignment_table(
        {"cifar_resnet": CATALOGUE["cifar_resnet"]}, store.load_dataset(digits), **settings,
        image_size=16, steps=[0, 25], seeds=[0, 1],
    )  # fmt: skip
    residuals = table.pivot(index="seed", columns="step", values="residual")
    assert (residuals[0].abs() < 0.2).all()
    if rate > 1:
        assert list(residuals.columns) == [0]
    else:
        assert (residuals[25] > residuals[0] + 0.1).all()


def test_at_its_start_a_run_has_the_weights_and_the_images_of_its_training(digits):
    data = store.load_dataset(digits)
    one, other = (at_its_start(shallow("he"), data) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one[0].parameters(), other[0].parameters()))
    assert torch.equal(one[1], other[1]) and one[0].training
