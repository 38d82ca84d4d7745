"""What snakemake says before any job: the expected jobs, or one sentence about what is wrong."""

import re
import subprocess
import sys
from collections import Counter

import pytest
import torch
import yaml

from conftest import ROOT, environment, pending, snakemake
from gradflow.report.figures import figures

ONCE = (
    "prepare_data first_backward tables cost claims notebook summary slides explorer depth_at_init theory "
    "initial_survey alignment all"
)
ONE_STUDY = ["--config", "select=[kernel]"]
FIXED = dict.fromkeys([*ONCE.split(), "all", *(f"figure_{name}" for name in figures())], 1)
LANDMARKS = {"trainable_depth", "log_norm_variance", "residual_by_width"}
FIXED |= dict.fromkeys((f"figure_{name}" for name in LANDMARKS), 0)  # of an overlay of their own
MEASURED = {"memory_format": 1}  # where the configuration names none
NO_DEPTH = {"depth_at_init": 0, "figure_depth": 0}
NO_SURVEY = dict.fromkeys(["initial_survey", "figure_initial_survey", "alignment", "figure_alignment"], 0)
NO_MLP = {"figure_printed": 0, "figure_profiles": 0}
NO_STUDY = {"first_backward": 0, "theory": 0, "tables": 0, "cost": 0, "explorer": 0}
NO_STUDY |= {f"figure_{kind.name}": 0 for kind in figures().values() if "study" in kind.arguments}
PLANS = [
    ([], MEASURED | {"train": 127, "look": 1, "prepare_data": 2, "random_mlps": 4}),
    (["--configfile", "config/smoke.yaml"], {"train": 12, "random_mlps": 2}),
    (
        ["--configfile", "config/full.yaml"],
        MEASURED | {"train": 272, "look": 1, "random_mlps": 12, "fetch": 3, "prepare_data": 4},
    ),
    (
        ["--configfile", "config/photos.yaml"],
        MEASURED | {"train": 30, "look": 1, "fetch": 1, "prepare_data": 2} | NO_MLP | NO_DEPTH | NO_SURVEY,
    ),
    (
        ["--configfile", "config/stability.yaml"],
        MEASURED | {"train": 384, "prepare_data": 2, "random_mlps": 4, "alignment": 0, "figure_alignment": 0},
    ),
    (
        ["--configfile", "config/course.yaml"],
        MEASURED | {"train": 36} | NO_MLP | NO_DEPTH | NO_SURVEY,
    ),
    (
        ["--config", "select=[skip]"],
        MEASURED | {"train": 18, "look": 1} | NO_MLP | NO_DEPTH | NO_SURVEY,
    ),
    (
        ["--config", "select=[mlp]"],
        {"random_mlps": 4, "prepare_data": 0} | NO_STUDY | NO_DEPTH | NO_SURVEY,
    ),
    (
        ["--config", "select=[depth_at_init]"],
        NO_MLP | NO_STUDY | NO_SURVEY,
    ),
    (
        ["--configfile", "config/landmarks.yaml"],
        dict.fromkeys([*LANDMARKS, *(f"figure_{name}" for name in LANDMARKS)], 1)
        | NO_MLP
        | NO_STUDY
        | NO_DEPTH
        | NO_SURVEY,
    ),
]


@pytest.mark.parametrize(("arguments", "jobs"), PLANS, ids=[" ".join(its) or "default" for its, _ in PLANS])
def test_every_shipped_configuration_plans_its_jobs(workflow, arguments, jobs):
    assert pending(workflow, *arguments) == +Counter(FIXED | jobs)


def test_the_full_plan_says_how_many_gpu_hours_it_takes(workflow):
    said = snakemake(workflow, "-n", "--configfile", "config/full.yaml", "--config", "device=cpu").stderr
    found = re.search(r"272 training runs, 272 without a result yet.*CPU hours.* GPU about (\d+) hours", said)
    assert found and 10 < int(found[1]) < 100, said


def plan(folder, *arguments):
    """What plan.py says of a folder."""
    command = [sys.executable, "workflow/scripts/plan.py", *arguments]
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)


def test_a_plan_counts_the_jobs_of_each_rule_and_says_why_they_run(workflow):
    said = plan(workflow, "--configfile", "config/smoke.yaml").stdout
    assert re.search(r"^ +12 train: 12 new$", said, re.MULTILINE) and re.search(r"^ +2 random_mlps: 2 new$", said, re.M)


def test_a_plan_says_how_long_training_may_take_and_the_worst_case_of_the_looks_with_disk(workflow):
    said = plan(workflow).stdout
    assert re.search(r"Training them may take about .* CPU hours, by the FLOPs of 127\.", said)
    pattern = r"In the worst case, with every claim open at every look, (\d+) trainings; training .* (\d+) MB"
    worst = re.search(pattern, said, re.DOTALL)
    assert worst and 127 * 2 < int(worst[1]) <= 127 * 8 / 3 and 10 < int(worst[2]) < 200


def test_a_plan_that_is_refused_says_why(workflow):
    refused = plan(workflow, "--config", "selekt=1")
    assert refused.returncode != 0 and "did you mean 'select'?" in refused.stdout + refused.stderr


def test_a_check_that_was_cut_off_is_made_again(workflow):
    marks = workflow / ".snakemake" / "gradflow-checked"
    marks.unlink()  # those of all copies
    assert snakemake(workflow, "-n", *ONE_STUDY).returncode == 0
    (mark,) = marks.iterdir()
    mark.write_text("")
    ran = snakemake(workflow, "-n", *ONE_STUDY)
    assert ran.returncode == 0 and "Traceback" not in ran.stderr + ran.stdout and mark.read_text()


def test_the_configurations_tested_are_all_that_ship():
    there = sorted(path.name for path in (ROOT / "config").glob("*.yaml"))
    assert there == ["course.yaml", "full.yaml", "landmarks.yaml", "photos.yaml", "smoke.yaml", "stability.yaml"]


@pytest.mark.parametrize(
    ("overlay", "words"),
    [
        ({"scale": {"epochz": 3}}, "scale has no key 'epochz'; did you mean 'epochs'"),
        ({"scale": {"epochs": -3}}, "scale.epochs is -3; it must be at least 1"),
        ({"studies": {"skip": {"base": {"architecture": "resnet51"}}}}, "'resnet51'.*choose one of"),
        ({"select": []}, "select is empty; give it"),
        ({"studies": {"skip": {"layers": {"resnet50": ["conv7"]}}}}, "names 'conv7', a layer that resnet50 lacks; its"),
        (
            {"datasets": {"mine": {"source": "folder", "path": "no/such"}}, "scale": {"dataset": "mine"}},
            "datasets.mine: 'no/such' does not exist",
        ),
        ("scale: {epochs: 1}\nscale: {width: 0.5}\n", r"bad\.yaml, line 2: scale is there twice, in line 1 too"),
    ],
    ids=["misspelt key", "negative epochs", "unknown architecture", "no study", "unknown layer", "no folder", "twice"],
)
def test_bad_input_is_one_sentence_before_any_job(workflow, overlay, words):
    (workflow / "bad.yaml").write_text(overlay if isinstance(overlay, str) else yaml.safe_dump(overlay))
    ran = snakemake(workflow, "--cores", "1", "--configfile", "bad.yaml")
    output = ran.stdout + ran.stderr
    assert ran.returncode != 0
    assert re.search(words, output), output
    assert "Traceback" not in output
    assert not (workflow / "results").exists()
    assert len([line for line in output.splitlines() if "config: " in line]) == 1


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("kernel/nothing-89mm.pdf", "kernel/nothing is no still figure of this configuration; choose one of kernel/"),
        ("kernel/histograms-183mm.png", "kernel/histograms is no still figure of this configuration"),
        ("skip.pdf", "skip is no study of this configuration; choose one of kernel."),
    ],
    ids=["no figure", "an animation", "no study"],
)
def test_a_figure_that_there_is_not_is_refused_with_those_that_there_are(workflow, target, words):
    ran = snakemake(workflow, f"results/figures/{target}", "-n", *ONE_STUDY)
    output = ran.stdout + ran.stderr
    assert ran.returncode != 0 and f"gradflow: {words}" in output and "Traceback" not in output


def test_every_still_figure_of_a_study_is_a_target_for_print(workflow):
    still = [name for name, kind in figures().items() if "study" in kind.arguments and kind.formats == ("png", "svg")]
    targets = [f"results/figures/kernel/{name}-89mm.pdf" for name in still]
    assert pending(workflow, *targets, "results/figures/kernel.pdf", *ONE_STUDY)["column"] == len(still) > 8


def test_a_folder_of_ones_own_holds_a_configuration_and_its_results(workflow, tmp_path_factory):
    """Snakemake runs there by -s, or from the checkout by --directory."""
    own = tmp_path_factory.mktemp("own")
    (own / "config.yaml").write_text("select: [mlp]\nmlp: {depths: [5, 10]}\n")
    jobs = +Counter(FIXED | {"random_mlps": 2, "prepare_data": 0} | NO_STUDY | NO_DEPTH | NO_SURVEY)
    assert pending(own, "-s", str(workflow / "Snakefile")) == jobs
    assert pending(workflow, "--directory", str(own)) == jobs
    assert pending(own, "-s", str(workflow / "workflow" / "Snakefile")) == jobs


def listed(folder, *arguments) -> list[str]:
    """The text of every training job in a dry run of the smoke config."""
    ran = snakemake(folder, "-n", "--quiet", "host", "--configfile", "config/smoke.yaml", *arguments)
    blocks = re.split(r"\n *rule ", ran.stdout + ran.stderr)  # indented in a group
    jobs = [block for block in blocks if block.startswith("train:")]
    assert len(jobs) == 12
    return jobs


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a CUDA device")
def test_cuda_without_a_device_fails_in_one_sentence_and_is_no_fallback(workflow):
    target = re.search(r"output: (\S+)", listed(workflow)[0]).group(1)
    arguments = ["--cores", "2", "--resources", "gpu=1", "--configfile", "config/smoke.yaml", "--config", "device=cuda"]
    ran = snakemake(workflow, target, *arguments)
    assert ran.returncode != 0
    assert "device: cuda was asked for, but torch finds no CUDA device here" in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    assert not (workflow / target).exists()


def test_training_asks_for_a_gpu_only_where_there_is_one(workflow):
    assert all("gpu=1" in job for job in listed(workflow, "--config", "device=cuda"))
    assert not any("gpu=1" in job for job in listed(workflow, "--config", "device=cpu"))


ON_SLURM = ["--workflow-profile", "profiles/slurm"]


def test_on_slurm_small_runs_share_jobs_of_one_gpu_each_and_large_ones_do_not(workflow):
    ran = snakemake(workflow, "-n", "--quiet", "host", "--configfile", "config/full.yaml", *ON_SLURM)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    jobs = re.findall(r"^( *)rule train:\n(.*?)(?=^ *\[)", ran.stdout + ran.stderr, re.MULTILINE | re.DOTALL)
    asked = {len(indent): {} for indent, _ in jobs}
    for indent, text in jobs:
        assert "gpu=1," in text and "device=cuda" in text and "slurm_extra=--signal=TERM@120" in text
        run = re.search(r"wildcards: run=(\S+)", text)[1]  # a group may be said twice
        asked[len(indent)][run] = int(re.search(r"runtime=(\d+)", text)[1])
    alone, shared = asked[0], asked[4]
    assert len(alone | shared) == len(alone) + len(shared) == 272
    assert max(shared.values()) <= 20 < min(alone.values())


def test_a_cluster_without_gpus_is_one_word_away(workflow):
    jobs = listed(workflow, "--config", "device=cpu", *ON_SLURM)
    assert len(jobs) == 12 and all("gpu=0," in job and "device=cpu" in job for job in jobs)


def test_on_slurm_a_device_is_named_not_guessed(workflow):
    ran = snakemake(workflow, *ON_SLURM, "--configfile", "config/smoke.yaml", "--config", "select=[skip]")
    said = ran.stdout + ran.stderr
    assert ran.returncode != 0 and "add device=cuda or device=cpu to --config" in said and "Traceback" not in said
    assert "submitted" not in said and not (workflow / "results").exists()


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["snakefmt", "--check", "Snakefile", "workflow/Snakefile", "workflow/rules"],
        ["snakemake", "--lint"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_the_code_is_in_the_house_style(command):
    module = [sys.executable, "-m", *command]
    ran = subprocess.run(module, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
