"""The whole workflow, run for real at smoke scale: what it leaves, and what makes it run again."""

import json
import re
import time

import pytest

from conftest import assert_same_science, copy_workflow, pending, snakemake
from gradflow.analysis.tables import empty_table, read_table, write_table
from gradflow.report.figures import figures
from gradflow.training.result import STATUSES, read_result

SMOKE = ["--configfile", "config/smoke.yaml"]


def test_every_run_leaves_a_whole_result_that_says_where_it_came_from(smoke):
    files = sorted((smoke / "results" / "runs").glob("*/norms.npz"))
    assert len(files) == 12
    for path in files:
        result = read_result(path)
        assert result.meta["run"] == path.parent.name
        assert result.meta["settings"]["seed"] in (0, 1)
        assert len(result.meta["dataset_fingerprint"]) == 64 and len(result.meta["code_fingerprint"]) == 12
        assert result.provenance["device"] and result.provenance["versions"]["torch"]
        assert {"commit", "dirty", "seconds", "peak_memory_mb", "threads"} <= result.provenance.keys()


def test_tables_figures_and_answers_are_there(smoke):
    runs = read_table(smoke / "results" / "tables", "runs")
    assert len(runs) == 12 and runs["status"].isin(STATUSES).all()
    for study in ("vgg_depth", "skip", "vgg_deep"):
        figures = {path.name for path in (smoke / "results" / "figures" / study).iterdir()}
        assert {"decades.png", "decades.svg", "confusion.png"} <= figures
        assert ({"histograms.gif", "histograms.html"} <= figures) == (study == "vgg_deep")  # of five epochs
    notebook = json.loads((smoke / "results" / "report" / "analysis.ipynb").read_text())
    assert all(cell.get("execution_count") for cell in notebook["cells"] if cell["cell_type"] == "code")
    page = (smoke / "results" / "report" / "analysis.html").read_text()
    headings = ["does the gradient vanish", "prediction beside measurement", "Skip connections", "References"]
    headings += ["Notebook 004", "C24", "@software{gradflow", "Not decided here"]
    text = re.sub("<[^>]*>", "", page)
    assert [words for words in headings if words not in text] == []
    assert 'src="http' not in page and "<script" not in page


def test_every_job_has_a_log_and_a_benchmark_or_says_in_its_result_what_it_took(smoke):
    logs = {
        path.relative_to(smoke / "results/logs").with_suffix("") for path in (smoke / "results/logs").rglob("*.log")
    }
    timed = smoke / "results/benchmarks"
    benchmarks = {path.relative_to(timed).with_suffix("") for path in timed.rglob("*.tsv")}
    assert benchmarks == {path for path in logs if path.parts[0] != "train"} and len(logs) == 43
    line = next((smoke / "results/logs/train").glob("*.log")).read_text().splitlines()[0]
    assert line.startswith("epoch 1/") and "validation loss" in line


def test_what_is_done_stays_done(done):
    started = time.perf_counter()
    assert pending(done, *SMOKE) == {}
    print(f"a dry run with nothing to do took {time.perf_counter() - started:.1f} s")
    for path in (done / "workflow" / "scripts" / "gradflow").rglob("*.py"):
        path.write_text("# a comment\n" + path.read_text())  # touches it, too
    assert pending(done, *SMOKE) == {}


LANDMARKS = {"trainable_depth", "log_norm_variance", "residual_by_width"}  # not of this configuration
EVERY_FIGURE = {f"figure_{name}" for name in figures().keys() - LANDMARKS}
OF_NO_STUDY = {f"figure_{name}" for name, kind in figures().items() if "study" not in kind.arguments}
CLAIMS_ON = {"claims", "notebook", "slides", "summary", "all"}
AFTER_TABLES = EVERY_FIGURE - OF_NO_STUDY | CLAIMS_ON | {"explorer"}
AFTER_DEPTH = {"depth_at_init", "figure_depth", *CLAIMS_ON}
AFTER_TRAINING = {"train", "tables", "cost"} | AFTER_TABLES
AFTER_DATA = {"prepare_data", "first_backward", "theory", "alignment", "figure_alignment"} | AFTER_TRAINING
SAYING = {f"figure_{name}" for name in ("alignment", "curves", "decades", "depth", "effects", "initial_survey")}
SAYING |= {f"figure_{name}" for name in ("profile_activation", "profile_weight", "profiles")}
AFTER_DRAWS = {"random_mlps", "figure_profiles", "figure_printed", *CLAIMS_ON}


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("training/status.py", "STALLED_WITHIN = 0.01", "STALLED_WITHIN = 0.02", AFTER_TRAINING),
        ("report/figures/curves.py", "alpha=0.2", "alpha=0.3", {"figure_curves", "all"}),
        ("report/figures/depth.py", "alpha=0.2", "alpha=0.3", {"figure_depth", "notebook", "slides", "all"}),
        ("report/figures/_layers_over_time.py", "lw=1.0", "lw=1.1", {"figure_layers", "figure_layers_named", "all"}),
        ("report/figures/style.py", '"#DDDDDD"', '"#DDDDDE"', EVERY_FIGURE | {"notebook", "slides", "summary", "all"}),
        ("report/explorer/scales.js", "figures = 3", "figures = 4", {"explorer", "all"}),
        ("report/wording.py", '"∞"', '"infinity"', CLAIMS_ON | SAYING),
        ("report/prose/summary.py", "Most is won by", "Most is gained by", {"notebook", "slides", "summary", "all"}),
        ("report/prose/ablations.py", "and {len(sure) - 3} smaller", "and more", {"notebook", "all"}),
        ("data/sources/digits.py", "255 / 16", "254 / 16", AFTER_DATA | AFTER_DEPTH),
        ("data/sources/cifar10.py", "reshape(-1, 3, 32, 32)", "reshape((-1, 3, 32, 32))", set()),
        ("propagation/shattering.py", "NEARBY = 0.01", "NEARBY = 0.02", AFTER_DEPTH),
        ("analysis/claims/settle.py", '"not decided here"', '"open"', CLAIMS_ON),
        (
            "analysis/claims/evidence/random_mlps.py",
            "return estimate_median(values)",
            "return estimate_median(values, seed=1)",
            CLAIMS_ON,
        ),
        ("propagation/random_mlps.py", "INPUTS, OUTPUTS = 10, 1", "INPUTS, OUTPUTS = 10, 2", AFTER_DRAWS),
    ],
    ids=[
        "training",
        "a figure",
        "a figure that the notebook shows",
        "what two figures share",
        "style",
        "the explorer's script",
        "wording",
        "the opening page",
        "prose",
        "data",
        "another source",
        "depth at init",
        "claims",
        "evidence",
        "random MLPs",
    ],
)
def test_an_edit_reruns_what_depends_on_it_and_nothing_else(done, file, old, new, expected):
    path = done / "workflow" / "scripts" / "gradflow" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert pending(done, *SMOKE).keys() == expected


def test_a_figure_in_a_column_and_a_study_as_pdf_are_targets_that_train_nothing(done):
    targets = ["results/figures/vgg_deep/decades-89mm.pdf", "results/figures/vgg_deep.pdf"]
    assert pending(done, *targets, *SMOKE) == {"column": 1, "study_pdf": 1}
    ran = snakemake(done, *targets, "--cores", "1", *SMOKE)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    column, study = ((done / target).read_bytes() for target in targets)
    assert b"/MediaBox [ 0 0 252.28" in column and study.count(b"/MediaBox") == study.count(b"/Type /Page ") > 5
    assert "snakemake --cores 4 --configfile config/smoke.yaml · random seeds 0 to ".encode("utf-16-be") in study


def test_a_report_of_another_configuration_is_refused(done):
    (done / "other.yaml").write_text("verdict: {learnt_above: 0.5}\n")
    ran = snakemake(done, *SMOKE, "other.yaml", "--report", "other.html")
    said = ran.stdout + ran.stderr
    assert ran.returncode != 0 and "results holds results of another configuration, other code, or a run" in said
    assert "notebook, slides, summary would run again): first run snakemake" in said and "Traceback" not in said
    assert not (done / "other.html").exists()


def test_another_run_elsewhere_gives_the_same_science(smoke, tmp_path):
    """One run of each architecture; `verify` draws others."""
    again = copy_workflow(tmp_path)
    runs = {path.parent.name.split("-")[0]: path for path in (smoke / "results" / "runs").glob("*/norms.npz")}
    assert len(runs) == 4
    ran = snakemake(again, *(str(path.relative_to(smoke)) for path in runs.values()), "--cores", "2", *SMOKE)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for path in runs.values():
        assert_same_science(read_result(again / path.relative_to(smoke)), read_result(path))


def test_a_failing_notebook_is_kept_beside_and_never_taken_for_a_result(done):
    page = done / "results" / "report" / "analysis.html"
    write_table(done / "results" / "tables", "profiles", empty_table("profiles"))
    failed = snakemake(done, "results/report/analysis.html", "--cores", "1", "--allowed-rules", "notebook", *SMOKE)
    said = failed.stdout + failed.stderr
    assert failed.returncode != 0 and "the report notebook stopped at cell" in said
    assert not page.exists() and (page.parent / "analysis.failed.ipynb").exists()
