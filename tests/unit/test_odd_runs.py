"""Runs that diverge, end after one step or stop early pass through tables, figures and notebook, and are seen there."""

from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest
from test_results import make

from conftest import ROOT
from gradflow.analysis.aggregation import write_arms, write_tables
from gradflow.analysis.study import read_study
from gradflow.analysis.tables import empty_table, write_table
from gradflow.analysis.verdicts import arm_verdicts
from gradflow.report.explorer.from_results import arms_of_results
from gradflow.report.explorer.packing import Thinning, pack
from gradflow.report.figures import decades, histograms
from gradflow.report.notebook import execute, to_page
from gradflow.report.prose.verdicts import verdict_table
from gradflow.thresholds import THRESHOLDS
from gradflow.training.result import PER_STEP_AND_LAYER, write_result
from synthetic import draw_figures


def diverged(seed, run):
    """A run that stops after the first of three epochs, its gradients not finite from the sixth step on."""
    whole = make(steps=10, layers=4, epochs=1, seed=seed, run=run, status="diverged", reason="the loss was not finite")
    for name in PER_STEP_AND_LAYER:
        whole.arrays[name][5:] = np.nan if name != "nonfinite" else 7
    whole.arrays["grad_output_norm"][3, 1] = 0
    whole.arrays["train_loss"][:] = np.nan
    return replace(whole, meta=whole.meta | {"settings": whole.meta["settings"] | {"epochs": 3}})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    runs = [
        ("healthy arm", make(steps=30, layers=4, epochs=3, seed=0, run="a-0")),
        ("healthy arm", diverged(1, "a-1")),
        ("lost arm", diverged(0, "b-0")),
        ("lost arm", diverged(1, "b-1")),
        ("one step", make(steps=1, layers=4, epochs=1, seed=0, run="c-0")),
    ]
    for _, result in runs:
        write_result(folder / "runs" / result.meta["run"] / "norms.npz", result)
    write_tables(sorted(folder.glob("runs/*/norms.npz")), folder / "tables")
    order = list(dict.fromkeys(label for label, _ in runs))
    rows = [
        [
            "odd",
            "Odd",
            order.index(label),
            label,
            r.meta["run"],
            r.meta["settings"]["seed"],
            3,
            "[3]",
            "x",
            "#000000",
            "[]",
        ]
        for label, r in runs
    ]
    write_table(folder / "tables", "cost", empty_table("cost"))
    write_arms(folder / "tables", rows)
    return folder


def test_verdicts_count_what_was_lost(folder):
    said = arm_verdicts(read_study(folder / "tables", "odd"), THRESHOLDS)
    assert said["healthy arm", "init"].startswith(("undecided", "healthy"))
    assert said["healthy arm", "middle"] == "healthy, alive (not finite in 1 of 2 random seeds)"
    assert said["lost arm", "middle"] == "not finite"
    assert said["healthy arm", "end"] == "healthy, alive (one random seed; 1 of 2 diverged: no end)"
    assert said["lost arm", "end"] == "diverged: no end"
    assert said["one step", "one_step"] == "not measured" and said["one step", "init"].endswith("(one random seed)")


def test_early_ends_keep_the_others_time_axis(folder):
    layers = read_study(folder / "tables", "odd").layers
    times = {run: set(table["time"]) for run, table in layers.groupby("run")}
    assert times["a-1"] < times["a-0"] and max(times["a-1"]) < 1


def test_every_figure_draws_them(folder):
    assert {path.suffix for path in draw_figures(folder, "odd").values()} == {".png", ".html"}
    study = read_study(folder / "tables", "odd")
    notes = [text.get_text() for text in decades.draw(study, THRESHOLDS).axes[0].texts]
    assert "1 of 2 random seeds not finite mid-way" in notes and "2 of 2 random seeds not finite mid-way" in notes
    assert "1 of 2 diverged: no end" in notes and "diverged: no end" in notes
    frames = histograms.draw(study, {"vgg16": ["layer1"]}).frames
    counted = [text.get_text() for axis in frames[0].axes for text in axis.texts]
    assert "layer1: 2 zero\nlayer1: 10 not finite" in counted and "layer1: 1 zero\nlayer1: 5 not finite" in counted


def test_the_explorer_has_them_with_the_phases_that_they_reached(folder):
    arms = {arm.label: arm for arm in arms_of_results(folder, THRESHOLDS)}
    assert list(arms["one step"].runs[0].phases) == ["init", "middle", "end"]
    assert list(arms["lost arm"].runs[0].phases) == ["init", "one_step", "middle"]
    assert arms["lost arm"].judgements["end"].verdict == "diverged: no end"
    assert pack(list(arms.values()), Thinning(2))


def test_the_notebook_runs_on_them_and_says_so(folder):
    parameters = {
        "results": str(folder),
        "studies": [["odd", "Is it odd?"]],
        "thresholds": THRESHOLDS,
        "random_mlps": [],
    }
    execute(ROOT / "report" / "analysis.ipynb", folder / "out.ipynb", parameters)
    to_page(folder / "out.ipynb", folder / "out.html")
    page = Path(folder / "out.html").read_text()
    for words in ("1 completed<br", "1 diverged", "not finite in 1 of 2 random seeds", "not measured"):
        assert words in page
    assert nbformat.read(folder / "out.ipynb", as_version=4).metadata.papermill.parameters["results"] == str(folder)
    assert verdict_table(read_study(folder / "tables", "odd"), THRESHOLDS).count(" diverged |") == 2
