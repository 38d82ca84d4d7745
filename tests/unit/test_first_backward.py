"""The first backward pass alone is the first step of the run, number for number."""

from dataclasses import replace

import numpy as np
import pytest

from gradflow.data import store
from gradflow.propagation.first_backward import MEASURED, first_backward, first_backward_table
from gradflow.training.loop import train
from synthetic import a_run


def tiny(architecture, **settings):
    run = a_run(architecture, **settings)
    return replace(run, width=1 / 32, epochs=1, batch_size=256)


@pytest.mark.parametrize(
    "run",
    [
        tiny("vgg16", seed=1, init="he"),
        tiny("resnet18", skip=False),
        tiny("vgg_deep", activation="gelu", init="xavier"),
    ],
    ids=lambda run: run.architecture,
)
def test_it_says_what_the_first_recorded_step_of_the_run_says(digits, run):
    dataset = store.load_dataset(digits)
    trained, alone = train(run, dataset), first_backward(run, dataset)
    for quantity in MEASURED:
        found = alone[alone["quantity"] == quantity]
        assert list(found["layer"]) == list(trained["layer_name"])
        assert list(found["depth"]) == list(trained["layer_depth"])
        np.testing.assert_array_equal(found["value"].to_numpy(), trained[quantity][0])


def test_runs_that_begin_alike_share_a_start_and_others_do_not(digits):
    run = tiny("vgg_deep", init="he")
    assert replace(run, optimizer="adam", learning_rate=1e-4, epochs=9, seed=5).start == run.start
    for change in ({"init": "xavier"}, {"batch_size": 32}, {"width": 0.5}, {"dataset": "other"}, {"precision": "bf16"}):
        assert replace(run, **change).start != run.start
    table = first_backward_table([run], {"digits": store.load_dataset(digits)}, seeds=range(3))
    assert sorted(table["seed"].unique()) == [0, 1, 2] and set(table["start"]) == {run.start}
