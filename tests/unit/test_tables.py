"""Tables hold every number of the runs, once, where a reader looks for it."""

import dataclasses

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from test_results import make

from gradflow import GradflowError
from gradflow.analysis import schemas
from gradflow.analysis.aggregation import setting_columns, write_arms, write_tables
from gradflow.analysis.study import read_study
from gradflow.analysis.tables import empty_table, read_table, schema, write_table
from gradflow.recorder.quantities import NAMES
from gradflow.report.figures.histograms import density_per_decade, seed_sample
from gradflow.runs import Run
from gradflow.training.result import write_result
from synthetic import a_run


@pytest.fixture
def folder(tmp_path):
    """Tables of two runs in one arm of a study named s."""
    paths = []
    for seed in (0, 1):
        path = tmp_path / f"{seed}.npz"
        write_result(path, make(steps=30, layers=4, epochs=3, seed=seed, run=f"run-{seed}"))
        paths.append(path)
    write_tables(paths, tmp_path)
    write_arms(
        tmp_path,
        [["s", "Title", 0, "VGG-16", f"run-{seed}", seed, 2, "[2]", "begin", "#000000", "[]"] for seed in (0, 1)],
    )
    return tmp_path


def test_the_tidy_table_holds_every_step_of_every_layer(folder):
    tidy = read_table(folder, "norms")
    assert list(tidy.columns) == ["run", "seed", "epoch", "step", "layer", "depth", *NAMES]
    assert len(tidy) == 2 * 30 * 4
    original = make(steps=30, layers=4, epochs=3, seed=1, run="run-1")
    for quantity in NAMES:
        back = tidy[tidy["run"] == "run-1"].pivot(index="step", columns="depth", values=quantity).to_numpy()
        np.testing.assert_array_equal(back, original[quantity])


def test_profiles_and_timelines_are_medians_and_means_of_the_steps(folder):
    original = make(steps=30, layers=4, epochs=3, seed=0, run="run-0")
    study = read_study(folder, "s")
    chosen = study.profiles.query("run == 'run-0' and phase == 'end' and quantity == 'grad_sample_norm'")
    np.testing.assert_allclose(chosen["value"], np.median(original["grad_sample_norm"][-7:], axis=0), rtol=1e-6)
    line = study.layers.query("run == 'run-0' and depth == 2")
    expected = original["grad_sample_norm"][:, 2]  # 30 steps, 30 stretches
    np.testing.assert_allclose(line["grad_sample_norm"], expected, rtol=1e-6)
    assert line["time"].iloc[-1] == pytest.approx(2.95)


def test_a_study_reads_only_the_steps_it_asks_for(folder):
    study = read_study(folder, "s")
    norms = study.norms("VGG-16", "grad_output_norm", ["layer1"])
    assert len(norms) == 60 and set(norms["layer"]) == {"layer1"}


def test_a_missing_study_or_table_is_named(folder):
    with pytest.raises(GradflowError, match="no runs of the study 'other'"):
        read_study(folder, "other")
    (folder / "runs.parquet").unlink()
    with pytest.raises(GradflowError, match=r"runs\.parquet does not exist, only a CSV, which is for people"):
        read_study(folder, "s")
    (folder / "runs.csv").unlink()
    with pytest.raises(GradflowError, match=r"runs\.parquet does not exist: run snakemake"):
        read_study(folder, "s")


def test_a_table_that_lacks_a_run_is_named(folder):
    write_table(folder, "profiles", empty_table("profiles"))
    with pytest.raises(GradflowError, match=r"profiles lacks the run \S+: run the workflow again"):
        read_study(folder, "s")


def test_a_damaged_run_stops_the_tables_by_name_and_keeps_the_old_ones(folder):
    before = (folder / "norms.parquet").read_bytes()
    (folder / "1.npz").write_bytes(b"PK broken")
    with pytest.raises(GradflowError, match=r"1\.npz is damaged"):
        write_tables([folder / "0.npz", folder / "1.npz"], folder)
    assert (folder / "norms.parquet").read_bytes() == before


def test_the_seeds_sample_is_drawn_from_what_was_measured_and_never_padded():
    values = np.arange(1.0, 200.0)
    assert len(seed_sample(values)) == 20 and set(seed_sample(values)) <= set(values)
    assert sorted(seed_sample(values[:7])) == list(values[:7])


def test_histograms_are_a_density_per_decade_without_invented_zeros():
    edges = np.linspace(-8, 0, 41)
    values = 10.0 ** np.random.default_rng(0).uniform(-6, -2, 10_000)
    density = density_per_decade(np.append(values, [0.0, np.nan]), edges)
    assert (density * np.diff(edges)).sum() == pytest.approx(1)
    inside = density[(edges[:-1] >= -6) & (edges[1:] <= -2)]
    np.testing.assert_allclose(inside, 0.25, rtol=0.15)  # uniform over four decades


def test_at_init_there_may_be_more_random_seeds_than_are_trained(folder):
    before = read_study(folder, "s")
    rows = [
        {"start": start, "seed": seed, "layer": f"layer{depth}", "depth": depth, "quantity": "grad_sample_norm"}
        | {"value": 10.0 ** (depth - 3) * (1 + seed / 100)}
        for start in ("begin", "another study's")
        for seed in range(8)
        for depth in range(4)
    ]
    write_table(folder, "first_backward", pd.DataFrame(rows))
    study = read_study(folder, "s")
    decades = study.decades()
    assert decades["VGG-16", "init"].n == 8 and decades["VGG-16", "init"].value == pytest.approx(-3)
    assert decades["VGG-16", "end"] == before.decades()["VGG-16", "end"]
    assert study.run_decades("weight_grad_norm", "init").equals(before.run_decades("weight_grad_norm", "init"))
    paired = study.by_seed(study.run_decades("grad_sample_norm", "init"), "VGG-16")
    assert sorted(paired.index) == list(range(8))
    assert sorted(study.by_seed(study.runs.set_index("run")["test_accuracy"], "VGG-16").index) == [0, 1]


def test_a_file_of_an_earlier_version_is_refused_with_its_new_name(folder):
    (folder / "initial.csv").write_text("layer,depth,quantity,value,start,seed\n")
    with pytest.raises(GradflowError, match=r"initial\.csv is called first_backward\.parquet now: remove it and run"):
        read_study(folder, "s")


def test_a_runs_settings_are_columns_of_their_own_types(folder):
    runs = read_table(folder, "runs")
    for field in dataclasses.fields(Run):
        assert schema("runs").field(field.name).nullable or runs[field.name].notna().all()
    row = setting_columns(a_run("resnet18", skip=True))
    assert list(row) == list(schemas.SETTINGS) and row["kernel"] is None and row["options"] is None
    assert schema("runs").field("kernel").type == pa.int64() and schema("runs").field("skip").type == pa.bool_()
    assert runs["kernel"].dtype == "Int64" and runs["skip"].dtype == "boolean" and runs["seed"].dtype == "int64"


def test_a_csv_has_all_digits_for_people(folder):
    pd.testing.assert_series_equal(
        pd.read_csv(folder / "profiles.csv", float_precision="round_trip")["value"],
        read_table(folder, "profiles")["value"],
    )
