"""Verification: the same is called identical, any difference is found, sized and named, and a sample is a sample."""

import copy
import re
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow import GradflowError
from gradflow.analysis.reproducibility import (
    COLUMNS,
    compare_results,
    draw,
    recipe,
    verification_summary,
    verify,
    whole,
)
from gradflow.training.result import PER_STEP_AND_LAYER, write_result
from synthetic import LAYERS, a_run, result


@pytest.fixture
def run():
    made = result(a_run("vgg_deep"), -3)
    made.meta.update(dataset_fingerprint="d" * 64, code_fingerprint="c" * 12)
    made.provenance.update(threads=1, processor="a processor", versions={"torch": "2.11.0"})
    return made


def changed(run, **arrays):
    again = copy.deepcopy(run)
    again.arrays.update(arrays)
    return again


def summary(*rows, finished=5):
    table = pd.DataFrame([{"run": f"run{i}"} | row for i, row in enumerate(rows)])
    return verification_summary(table.reindex(columns=COLUMNS), finished)


def test_the_same_is_identical_wherever_and_how_fast_it_was_made(run):
    again = copy.deepcopy(run)
    again.provenance.update(seconds=99.0, commit="f" * 40)
    row = compare_results(run, again)
    assert row["outcome"] == "identical" and row["largest_relative_difference"] == 0 and not row["made_otherwise"]
    assert summary(row, row) == "2 of 5 runs recomputed: identical bytes\n"


@given(st.sampled_from(PER_STEP_AND_LAYER), st.integers(0, 39), st.integers(0, 11), st.floats(-6, 2), st.booleans())
@settings(max_examples=100)
def test_one_number_that_differs_is_found_and_sized(name, step, layer, log_size, up):
    run = result(a_run("vgg_deep"), -3)
    size = 10.0**log_size
    array = run[name].copy()
    array[step, layer] *= 1 + size if up else 1 - size
    row = compare_results(run, changed(run, **{name: array}))
    exact = abs(float(array[step, layer]) / float(run[name][step, layer]) - 1)  # in float32 the change is rounded
    assert row["largest_relative_difference"] == pytest.approx(exact, rel=1e-9)
    assert row["array"] == name and row["where"].startswith(f"step {step}, {LAYERS[layer]}: ")
    assert row["outcome"] == "different" and not row["differs"]


def test_the_summary_names_the_largest_difference(run):
    close, far = (changed(run, test_accuracy=run["test_accuracy"] * (1 + size)) for size in (1e-9, 3e-4))
    said = summary(*(compare_results(run, again) for again in (run, close, far)))
    assert said.startswith(
        "3 of 5 runs recomputed: 1 identical, largest relative difference 3.0e-04 in test_accuracy of"
    )
    assert "of run2 (" in said and len(said.splitlines()) == 1


def test_weights_are_compared_to_the_largest_of_them(run):
    filters = run["filters_after"].copy()
    smallest = np.unravel_index(np.abs(filters).argmin(), filters.shape)
    filters[smallest] += 1e-6  # nothing beside the others, and all of itself
    row = compare_results(run, changed(run, filters_after=filters))
    assert row["largest_relative_difference"] == pytest.approx(1e-6 / np.abs(filters).max(), rel=1e-6)
    assert row["array"] == "filters_after" and row["where"].startswith(str([int(i) for i in smallest]))


def test_what_was_zero_and_is_not_differs_infinitely(run):
    before = run["nonfinite"].copy()
    before[3, 2] = 0
    row = compare_results(changed(run, nonfinite=before), run)
    assert row["largest_relative_difference"] == np.inf and row["array"] == "nonfinite"
    assert "largest relative difference inf in nonfinite" in summary(row)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_nan_and_inf_must_be_in_the_same_places(run, odd):
    loss = run["loss"].copy()
    loss[7] = odd
    there = changed(run, loss=loss)
    assert compare_results(there, copy.deepcopy(there))["outcome"] == "identical"
    for pair in ((run, there), (there, run), (there, changed(run, loss=np.roll(loss, 1)))):
        assert compare_results(*pair)["differs"] == "loss has NaN or Inf in other places"


def test_plus_and_minus_infinity_are_not_the_same(run):
    loss = run["loss"].copy()
    loss[7] = np.inf
    one, other = changed(run, loss=loss), changed(run, loss=np.where(np.isinf(loss), -np.inf, loss))
    assert compare_results(one, other)["differs"] == "loss has NaN or Inf in other places"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: r.arrays.update(confusion_matrix=r["confusion_matrix"] * 2), "confusion_matrix has 3 of 9 values"),
        (lambda r: r.arrays.update(layer_name=r["layer_name"][::-1]), "layer_name has 12 of 12 values"),
        (
            lambda r: r.arrays.update(train_loss=r["train_loss"][:-1]),
            r"train_loss was float64 \[4\], now float64 \[3\]",
        ),
        (lambda r: r.arrays.update(loss=r["loss"].astype(np.float32)), r"loss was float64 \[40\], now float32 \[40\]"),
        (lambda r: r.arrays.update(extra=np.zeros(1)), "extra is in one of the two"),
        (lambda r: r.meta.update(status="stalled"), "meta status was completed, now stalled"),
        (lambda r: r.meta.update(weights_sha256="e"), "meta weights_sha256 was None, now e"),
    ],
    ids=["integers", "text", "shape", "type", "one alone", "meta", "weights"],
)
def test_what_must_agree_exactly_is_named(run, change, words):
    again = copy.deepcopy(run)
    change(again)
    row = compare_results(run, again)
    assert row["outcome"] == "different"
    assert re.search(words, row["differs"]), row["differs"]
    assert "no number differs" in summary(row) and "run0: " in summary(row)


def test_what_was_made_otherwise_is_said_and_is_no_difference_by_itself(run):
    again = copy.deepcopy(run)
    again.meta["code_fingerprint"] = "f" * 12
    again.provenance.update(device="NVIDIA H100", threads=4, versions={"torch": "2.12.0"})
    row = compare_results(run, again)
    assert row["outcome"] == "identical"
    assert row["made_otherwise"] == (
        "code was cccccccccccc, now ffffffffffff; device was cpu, now NVIDIA H100; threads was 1, now 4; "
        "torch was 2.11.0, now 2.12.0"
    )
    assert f"made otherwise: {row['made_otherwise']} (2 of them)" in summary(row, row)


def test_the_sample_is_drawn_by_its_seed_from_what_is_there():
    runs = [f"run{i}" for i in range(50)]
    draws = [tuple(draw(runs, 3, seed)) for seed in range(20)]
    assert all(len(set(drawn)) == 3 and set(drawn) <= set(runs) for drawn in draws) and len(set(draws)) == 20
    assert draw(reversed(runs), 3, 0) == list(draws[0])
    assert draw(runs[:2], 3, 0) == runs[:2] and draw([], 3, 0) == []


def test_a_damaged_result_is_named_whether_drawn_or_not(run, tmp_path):
    files = {}
    for seed in range(4):
        made = copy.deepcopy(run)
        made.meta.update(settings=asdict(a_run("vgg_deep", seed)), run=a_run("vgg_deep", seed).id)
        files[made.meta["run"]] = tmp_path / made.meta["run"] / "norms.npz"
        write_result(files[made.meta["run"]], made)
    names = sorted(files)
    for name in names[:2]:
        files[name].write_bytes(files[name].read_bytes()[:1000])
    table = verify(files, names[1:3], {names[2]: files[names[2]]}).set_index("run")
    assert dict(table["outcome"]) == {names[0]: "damaged", names[1]: "damaged", names[2]: "identical"}
    said = verification_summary(table.reset_index(), 4).splitlines()
    assert said[0] == "1 of 4 runs recomputed: identical bytes"
    assert [f"{files[name]} is damaged" in line for name, line in zip(names, said[1:])] == [True, True]


@pytest.mark.parametrize(
    ("meta", "words"),
    [
        ({"dataset_fingerprint": None}, "does not say its dataset_fingerprint, so it cannot be recomputed"),
        ({"code_fingerprint": None}, "does not say its code_fingerprint"),
        ({"settings": {"colour": "red"}}, "has settings that this gradflow does not know"),
        ({"settings": asdict(a_run("vgg_deep", 7))}, "holds another run, vgg-?deep"),
    ],
    ids=["no data set", "no code", "unknown settings", "another run"],
)
def test_a_result_that_cannot_be_made_again_says_why(run, meta, words, tmp_path):
    path = tmp_path / run.meta["run"] / "norms.npz"
    write_result(path, run)
    known = {"settings": run.meta["settings"], "dataset_fingerprint": "d" * 64}
    assert recipe(path) == known | {"memory_format": "contiguous"}  # as all were before results said it
    run.meta["memory_format"] = "channels_last"
    write_result(path, run)
    assert recipe(path) == known | {"memory_format": "channels_last"}
    run.meta.update(meta)
    write_result(path, run)
    with pytest.raises(GradflowError, match=words) as caught:
        recipe(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert not whole(path)
