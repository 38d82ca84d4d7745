"""The state at the end of a run is kept where that is asked for, and more epochs go on from it to the same bytes."""

from dataclasses import replace

import pytest
import torch

from gradflow.recorder.history import MEASURED
from gradflow.runtime import estimates
from gradflow.runtime.dry_run import Job, jobs_in_words
from gradflow.training.checkpoint import Checkpoint
from gradflow.training.loop import train
from interruptions import RUNS, At, Killed, assert_same, few_digits

LONG = {
    name: replace(RUNS[name], epochs=4)
    for name in ("SGD with momentum, batch norm, a schedule", "bf16, batch norm, dropout and every option")
}
LONG["a constant rate after a warm-up"] = replace(LONG["SGD with momentum, batch norm, a schedule"], step_size=0)
LONG["a constant rate after a warm-up"] = replace(LONG["a constant rate after a warm-up"], warmup_epochs=1.5)
STEPS = 6  # an epoch


@pytest.fixture(scope="module")
def dataset(digits):
    return few_digits(digits)


@pytest.fixture(scope="module")
def whole(dataset):
    """The result of each long run, trained at one go, by its name."""
    return {name: train(run, dataset) for name, run in LONG.items()}


def kept(folder, run, dataset, stop=None, **settings):
    """The result of a run whose state is kept in a folder, as the workflow trains it."""
    checkpoint = Checkpoint(folder / f"{run.id}.pt", stop=stop, **{"keep": True} | settings)
    result = train(run, dataset, checkpoint=checkpoint)
    checkpoint.discard()
    return result


@pytest.mark.parametrize("name", LONG)
def test_more_epochs_go_on_from_fewer_to_the_bytes_of_a_long_run(dataset, whole, tmp_path, name):
    short = replace(LONG[name], epochs=2)
    assert kept(tmp_path, short, dataset).provenance["resumed_at"] == []
    result = kept(tmp_path, LONG[name], dataset)
    assert_same(result, whole[name])
    assert result.provenance["resumed_at"] == [2 * STEPS]
    assert {path.stem for path in tmp_path.iterdir()} == {short.id, LONG[name].id}


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "stopped"])
def test_an_extension_that_was_interrupted_goes_on_from_its_own_checkpoint(dataset, whole, tmp_path, kill):
    name = "bf16, batch norm, dropout and every option"
    kept(tmp_path, replace(LONG[name], epochs=1), dataset)
    with pytest.raises(Killed if kill else Exception, match=None if kill else "was stopped by SIGTERM at step 16 of"):
        kept(tmp_path, LONG[name], dataset, At(11, kill))
    result = kept(tmp_path, LONG[name], dataset)
    assert_same(result, whole[name])
    assert result.provenance["resumed_at"] == [STEPS, 2 * STEPS if kill else 16]


def test_the_longest_of_fewer_epochs_is_taken_and_one_that_does_not_fit_is_left_aside(dataset, whole, tmp_path, capsys):
    name = "SGD with momentum, batch norm, a schedule"
    runs = {epochs: replace(LONG[name], epochs=epochs) for epochs in (1, 2, 3, 4)}
    for epochs in (1, 3):
        kept(tmp_path, runs[epochs], dataset)
    kept(tmp_path, replace(runs[3], seed=9), dataset)  # another run
    capsys.readouterr()
    assert_same(kept(tmp_path, LONG[name], dataset, keep=False), whole[name])
    assert "goes on" not in capsys.readouterr().out  # nobody asked
    result = kept(tmp_path, LONG[name], dataset)
    assert_same(result, whole[name])
    assert result.provenance["resumed_at"] == [STEPS, 3 * STEPS]  # that of 3 had gone on from that of 1
    assert "goes on from step 18 of 24, where a run of 3 epochs was left" in capsys.readouterr().out
    (tmp_path / f"{LONG[name].id}.pt").unlink()
    (tmp_path / f"{runs[3].id}.pt").write_bytes(b"damaged")
    result = kept(tmp_path, LONG[name], dataset)
    assert_same(result, whole[name])
    assert result.provenance["resumed_at"] == [STEPS]
    said = capsys.readouterr().out.splitlines()
    assert "goes on from step 6 of 24, where a run of 1 epochs was left" in said[0]
    assert "left a state aside: " in said[1] and f"{runs[3].id}.pt is damaged" in said[1]
    kept(tmp_path, runs[2], dataset)  # a longer state is of no use to it, and stays
    assert (tmp_path / f"{LONG[name].id}.pt").exists()


def test_a_state_of_other_code_or_data_is_not_gone_on_from(dataset, whole, tmp_path, capsys):
    name = "a constant rate after a warm-up"
    kept(tmp_path, replace(LONG[name], epochs=2), dataset, code="old")
    assert_same(kept(tmp_path, LONG[name], dataset, code="new"), whole[name])
    assert "starts over: " in (said := capsys.readouterr().out) and "made with other code: old there, new here" in said
    result = kept(tmp_path, replace(LONG[name], epochs=3), replace(dataset, fingerprint="0" * 64), code="old")
    assert result.provenance["resumed_at"] == [] and "made with other data" in capsys.readouterr().out


def test_a_cosine_schedule_keeps_no_state_and_says_so(dataset, tmp_path, capsys):
    run = replace(LONG["a constant rate after a warm-up"], schedule="cosine")
    kept(tmp_path, replace(run, epochs=2), dataset)
    assert not list(tmp_path.iterdir())
    assert "keeps no state: its cosine schedule is another one in a longer run." in capsys.readouterr().out
    result = kept(tmp_path, run, dataset)
    assert_same(result, train(run, dataset))
    assert result.provenance["resumed_at"] == []


@pytest.mark.parametrize(
    "change", [{}, {"momentum": 0.0}, {"optimizer": "adam", "momentum": 0.0}, {"precision": "fp64"}]
)
def test_a_plan_says_about_how_large_states_are(dataset, tmp_path, change):
    run = replace(LONG["SGD with momentum, batch norm, a schedule"], width=0.125, epochs=2, **change)
    result = kept(tmp_path, run, dataset)
    layers = len(result["layer_name"])
    said = estimates.state_bytes(run, result.meta["parameters"], layers, 90)
    assert said == pytest.approx((tmp_path / f"{run.id}.pt").stat().st_size, rel=0.15)
    cosine = replace(run, schedule="cosine")
    assert estimates.state_bytes(cosine, result.meta["parameters"], layers, 90) == 0
    assert len(MEASURED) == estimates.MEASURED


def test_a_plan_names_the_sum_and_who_keeps_none():
    jobs, nothing = [Job("train", run, "new") for run in ("a", "b", "c")], estimates.Expected(None, estimates.FLOPS)
    said = jobs_in_words(jobs, dict.fromkeys("abc", nothing), 0, states={"a": 2e6, "b": 1.5e6, "c": 0})
    assert said.endswith("The states that are kept need about 4 MB more; 1 with a cosine schedule keep none.")
    assert "states" not in jobs_in_words(jobs, dict.fromkeys("abc", nothing), 0)


def test_a_long_run_that_was_finished_is_made_from_its_state(dataset, whole, tmp_path):
    name = "bf16, batch norm, dropout and every option"
    kept(tmp_path, LONG[name], dataset)
    torch.manual_seed(5)
    result = kept(tmp_path, LONG[name], dataset)
    assert_same(result, whole[name])
    assert result.provenance["resumed_at"] == [4 * STEPS]
