"""The workflow on a real Slurm of one node with simulated GPUs, submitted with the shipped profile as it is.

There is no CUDA here: jobs ask Slurm for their GPU as they would, and train on the CPU (`train:device=cpu`).
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from conftest import ROOT, assert_same_science, copy_workflow, snakemake
from documents import COMMANDS
from gradflow.training.result import read_result
from processes import job_process, running, wait
from real_slurm import Unavailable, slurm

PROFILE = ["--workflow-profile", str(ROOT / "profiles" / "slurm")]
# No accounting database here, and no 40 s until the first look.
HERE = ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5"]
ON_GPUS = ("train", "memory_format", "first_backward", "depth_at_init", "theory", "initial_survey", "alignment")
ON_CPU = ["--set-resources", *(f"{rule}:device=cpu" for rule in ON_GPUS)]
SMOKE = [*ON_CPU, "--configfile", "config/smoke.yaml"]
TIMES = int(os.environ.get("GRADFLOW_FAULTS", 1))  # repeats of the tests that take a job away


@pytest.fixture(scope="module")
def cluster():
    """A Slurm with two GPUs; where none can start the tests are skipped, but not in CI."""
    try:
        with slurm(gpus=2) as running:
            yield running
    except Unavailable as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no Slurm: {reason}")
        pytest.skip(f"no Slurm: {reason}")


@pytest.fixture
def client(cluster, monkeypatch):
    """The cluster, with its clients' environment set for snakemake."""
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    return cluster


def submit(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen:
    """Start snakemake in a folder, through Slurm."""
    command = [sys.executable, "-m", "snakemake", *PROFILE, *HERE, *arguments]
    environment = os.environ | environment
    environment["PATH"] += os.pathsep + str(Path(sys.executable).parent)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, cwd=folder, env=environment, **streams)


UNWARNED = ["--default-resources", "mem_mb=200"]  # instead of the profile's slurm_extra
ONE_RUN = {
    "select": ["one"],
    "memory_format": "contiguous",
    "datasets": {"digits": {"source": "digits", "size": 8}},
    "scale": {"width": 0.125, "epochs": 30, "seeds": 1},
    "studies": {"one": {"question": "?", "vary": [{"architecture": "cifar_resnet", "depth": 8, "init": "he"}]}},
}
WALLTIME = {"warned": [], "unwarned": UNWARNED}


@pytest.fixture(scope="module", autouse=True)
def limited(cluster, tmp_path_factory):
    """{"warned", "unwarned"}: a stand-in at its time limit, its folder and process; they wait while other tests run."""
    started = {}
    for name, arguments in WALLTIME.items():
        folder = tmp_path_factory.mktemp(name)
        shutil.copytree(ROOT / "tests" / "cluster" / "walltime", folder, dirs_exist_ok=True)
        started[name] = folder, submit(folder, *arguments, **cluster.environment)
    started["training"] = a_training_paused_until_the_limit(copy_workflow(tmp_path_factory.mktemp("training")), cluster)
    yield started
    for _, process in started.values():
        process.kill()
        process.wait()


def a_training_paused_until_the_limit(folder: Path, cluster) -> tuple[Path, subprocess.Popen]:
    """Start a run of seconds with a minute's limit, and stop its process in the midst; Slurm wakes it to end it."""
    (folder / "overlay.yaml").write_text(yaml.safe_dump(ONE_RUN))
    limit = [*UNWARNED, "--set-resources", "train:device=cpu", "train:runtime=1"]
    process = submit(folder, "runs", "--configfile", "overlay.yaml", *limit, **cluster.environment)

    def begun():
        log = next(folder.glob("results/logs/train/*.log"), None)
        return log and "epoch 2/" in log.read_text() and job_process(folder, "train")

    os.kill(wait("the second epoch", begun, process, seconds=180), signal.SIGSTOP)
    return folder, process


def test_the_smoke_config_runs_through_slurm_and_gives_a_local_runs_science(client, smoke, tmp_path):
    folder = copy_workflow(tmp_path)
    answers = "results/report/analysis.html"  # a job of each rule but for most figures, whose rules are alike
    process = submit(folder, answers, *SMOKE)
    said = process.communicate(timeout=500)[0]
    assert process.returncode == 0, said
    ended = [job for job in client.completed() if job["WorkDir"] == str(folder)]
    assert {job["JobState"] for job in ended} == {"COMPLETED"}
    files = sorted((folder / "results" / "runs").glob("*/norms.npz"))
    assert len(files) == 12
    jobs = set()
    for path in files:
        there, here = read_result(path), read_result(smoke / path.relative_to(folder))
        assert there.provenance["cuda_visible_devices"] in ("0", "1")
        jobs.add(there.provenance["slurm_job"])
        assert_same_science(there, here)
    # Twelve small runs in groups of eight; what is not a training went through Slurm as jobs of its own.
    assert len(jobs) == 2 and jobs < {job["JobId"] for job in ended}
    others = set(logs(folder)) - {f"train/{path.parent.name}" for path in files}
    assert len(ended) == len(jobs) + len(others)
    assert (folder / answers).exists() and any(name.startswith("figures/") for name in others)


def logs(folder: Path) -> list[str]:
    """The jobs of a workflow that have run, by their logs."""
    places = (folder / "results" / "logs").rglob("*.log")
    return [str(path.relative_to(folder / "results" / "logs").with_suffix("")) for path in places]


@pytest.fixture
def one_to_train(smoke, tmp_path):
    """A copy in which all is done but one training: its folder, and the result that is missing."""
    folder = tmp_path / "copy"
    shutil.copytree(smoke, folder, symlinks=True)
    missing = next((folder / "results" / "runs").glob("vggdeep*s0*/norms.npz"))
    missing.unlink()
    (folder / "results" / "logs" / "train" / f"{missing.parent.name}.log").unlink()
    yield folder, missing
    for pid in running(folder):  # without cgroups Slurm may leave the Snakemake of a job that a node took along
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def train(folder: Path, missing: Path, *arguments: str) -> subprocess.Popen:
    """Start the training of what is missing."""
    return submit(folder, str(missing.relative_to(folder)), *SMOKE, *arguments)


def training_job(cluster, folder: Path, missing: Path) -> str:
    """The id of the Slurm job in which the training has begun."""
    log = folder / "results" / "logs" / "train" / f"{missing.parent.name}.log"
    cluster.wait("the training has begun", log.exists)
    (job,) = [
        line.split()[0] for line in cluster.ask("squeue", "-h", "-o", "%i %Z").splitlines() if str(folder) in line
    ]
    return job


@pytest.mark.parametrize("time", range(TIMES))
def test_a_cancelled_job_is_reported_and_the_next_run_completes(client, one_to_train, time):
    folder, missing = one_to_train
    process = train(folder, missing, "--retries", "0")
    job = training_job(client, folder, missing)
    (queue,) = (command for _, command in COMMANDS if command.startswith("squeue "))
    assert job in client.ask(*shlex.split(queue))  # as docs/cluster.md says
    client.ask("scancel", job)
    said = process.communicate(timeout=300)[0]
    assert process.returncode != 0 and f"JOB {job} ON {client.node} CANCELLED" in said, said
    assert "Traceback" not in said and not missing.exists()
    again = train(folder, missing)
    said = again.communicate(timeout=300)[0]
    assert again.returncode == 0, said
    assert read_result(missing).provenance["slurm_job"] != job


def test_a_training_at_its_time_limit_saves_and_goes_on_to_the_same_bytes(limited):
    folder, process = limited["training"]
    said = process.communicate(timeout=300)[0]
    assert process.returncode == 0 and "DUE TO TIME LIMIT" in said, said
    (path,) = folder.glob("results/runs/*/norms.npz")
    through_slurm = read_result(path)
    (step,) = through_slurm.provenance["resumed_at"]
    assert 0 < step < len(through_slurm["step"])
    path.unlink()
    ran = snakemake(folder, "runs", "--cores", "1", "--configfile", "overlay.yaml")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert_same_science(through_slurm, read_result(path))


@pytest.mark.parametrize("kind", WALLTIME)
def test_a_job_is_told_of_its_time_limit_saves_and_goes_on_with_more_time(limited, kind):
    folder, process = limited[kind]
    said = process.communicate(timeout=300)[0]
    assert process.returncode == 0, said
    assert (folder / "heard.txt").read_text().startswith("SIGTERM in job")
    assert (folder / "finished.txt").read_text() == "gone on from half of the epochs"


@pytest.mark.parametrize("time", range(TIMES))
def test_a_node_that_goes_down_and_comes_back_costs_nothing(client, one_to_train, time):
    folder, missing = one_to_train
    process = train(folder, missing)
    job = training_job(client, folder, missing)
    client.ask("scontrol", "update", f"nodename={client.node}", "state=down", "reason=test")
    client.wait("no job runs", lambda: not client.ask("squeue", "-h", "-t", "running,completing"))
    assert not missing.exists()
    client.bring_back(job, lambda: process.poll() is not None)
    said = process.communicate(timeout=300)[0]
    assert process.returncode == 0, said
    result = read_result(missing)
    assert result.meta["run"] == missing.parent.name and result.provenance["slurm_job"] == job
