"""The whole workflow through what happens to it from outside: the next run ends with the same results, or says why not.

GRADFLOW_FAULTS=10 tries each fault as many times.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from conftest import assert_same_science, copy_workflow, snakemake
from gradflow.training import result as results
from processes import ON_LINUX, job_process, running, start, wait

pytestmark = ON_LINUX
TIMES = range(int(os.environ.get("GRADFLOW_FAULTS", 1)))
RUNS = ["runs", "--cores", "2", "--configfile", "overlay.yaml"]
SMOKE = ["--configfile", "config/smoke.yaml"]
ANSWERS = ["results/report/analysis.html", "--cores", "2", *SMOKE]


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory):
    """A copy of the workflow in which two short runs are done."""
    folder = copy_workflow(tmp_path_factory.mktemp("two"))
    overlay = {
        "select": ["two"],
        "device": "cpu",
        "datasets": {"digits": {"source": "digits", "size": 8}},
        "scale": {"width": 0.125, "epochs": 12, "seeds": 2},
        "studies": {"two": {"question": "?", "vary": [{"architecture": "cifar_resnet", "depth": 8, "init": "he"}]}},
    }
    (folder / "overlay.yaml").write_text(yaml.safe_dump(overlay))
    completes(folder)
    return folder


@pytest.fixture
def whole(two_runs):
    """The results of the two runs, never disturbed; what a test leaves running is ended."""
    yield {path: results.read_result(path) for path in two_runs.glob("results/runs/*/norms.npz")}
    left = running(two_runs)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if left:
        snakemake(two_runs, *RUNS, "--unlock")


def completes(folder: Path, arguments=RUNS) -> None:
    ran = snakemake(folder, *arguments)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def as_before(whole) -> None:
    for path, result in whole.items():
        assert_same_science(results.read_result(path), result)


def forget(folder: Path) -> None:
    for name in ("runs", "checkpoints", "logs/train"):
        shutil.rmtree(folder / "results" / name, ignore_errors=True)


@pytest.mark.parametrize("turn", TIMES)
def test_snakemake_killed(two_runs, whole, turn):
    """What it started goes on alone; its lock is named with the way to lift it, and the next run completes."""
    forget(two_runs)
    process = start(two_runs, *RUNS, stdout=subprocess.DEVNULL)
    wait("a training", lambda: job_process(two_runs, "train"), process)
    time.sleep(random.Random(turn).uniform(0, 0.6) * min(result.provenance["seconds"] for result in whole.values()))
    process.kill()
    process.wait()
    refused = snakemake(two_runs, *RUNS)
    assert refused.returncode != 0 and "--unlock" in refused.stdout + refused.stderr
    completes(two_runs, [*RUNS, "--unlock"])
    completes(two_runs)
    as_before(whole)


@pytest.mark.parametrize("turn", TIMES)
def test_two_snakemakes_at_once(two_runs, whole, turn):
    """The second is refused while the first goes on as if alone."""
    forget(two_runs)
    first = start(two_runs, *RUNS)
    wait("a training", lambda: job_process(two_runs, "train"), first)
    second = snakemake(two_runs, *RUNS)
    assert second.returncode != 0 and "cannot be locked" in second.stdout + second.stderr
    said = first.communicate(timeout=120)[0]
    assert first.returncode == 0, said
    as_before(whole)


@pytest.mark.parametrize("turn", TIMES)
def test_a_clock_that_jumps(two_runs, whole, turn):
    """Files from the future cost nothing; files from the past, older than their script, are made again as they were."""
    clock = random.Random(turn)
    ahead, back = time.time() + clock.uniform(60, 10**8), clock.uniform(0, 10**8)
    forget(two_runs)
    dated(two_runs / "results" / "data", ahead)
    completes(two_runs)
    as_before(whole)
    planned = snakemake(two_runs, "-n", *RUNS)
    assert "Nothing to be done" in planned.stdout + planned.stderr
    dated(two_runs / "results" / "data", back)
    completes(two_runs)
    as_before(whole)


def dated(folder: Path, when: float) -> None:
    for path in folder.rglob("*.*"):
        os.utime(path, (when, when))


@pytest.mark.parametrize("turn", TIMES)
def test_a_results_folder_that_cannot_be_written(two_runs, whole, turn):
    """One sentence before the first job; what is there stays as it is."""
    folder = two_runs / "results"
    next(iter(whole)).unlink()
    mounted = subprocess.run(["mount", "--bind", folder, folder], capture_output=True).returncode == 0
    if not mounted or subprocess.run(["mount", "-o", "remount,ro,bind", folder], capture_output=True).returncode:
        pytest.skip("needs the right to mount a folder")
    try:
        ran = snakemake(two_runs, *RUNS)
    finally:
        subprocess.run(["umount", folder], check=True)
    said = ran.stdout + ran.stderr
    assert ran.returncode != 0 and "results could not be written: Read-only file system" in said
    assert "Traceback" not in said and not running(two_runs)
    completes(two_runs)
    as_before(whole)


@pytest.mark.parametrize("turn", TIMES)
def test_a_notebook_killed(done, smoke, turn):
    """The job fails, no page is left that looks finished, and the next run makes the same one."""
    page = done / "results" / "report" / "analysis.html"
    page.unlink()
    process = start(done, *ANSWERS)
    pid = wait("the notebook's job", lambda: job_process(done, "notebook"), process)
    time.sleep(random.Random(turn).uniform(0, 5))
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=120)
    assert (process.returncode != 0) == (not page.exists())
    completes(done, ANSWERS)
    assert page.read_bytes() == (smoke / "results" / "report" / "analysis.html").read_bytes()


@pytest.mark.parametrize("kind", ["truncated", "flipped"])
@pytest.mark.parametrize("turn", TIMES)
def test_a_damaged_result(done, smoke, turn, kind):
    """It is named where it is read, nothing is made of it, and once deleted it is made again as it was."""
    chance = random.Random(f"{kind} {turn}")
    victim = chance.choice(sorted((done / "results" / "runs").glob("*/norms.npz")))
    content = bytearray(victim.read_bytes())
    place = chance.randrange(len(content) // 2)  # among the arrays; the list of names is at the end
    content[place] ^= 1 << chance.randrange(8)
    victim.write_bytes(content if kind == "flipped" else content[:place])
    reference = results.read_result(smoke / victim.relative_to(done))
    failed = snakemake(done, "--cores", "2", "results/tables/runs.csv", *SMOKE)
    said = failed.stdout + failed.stderr
    if failed.returncode == 0:  # a bit of the archive that holds no number
        assert kind == "flipped"
        assert_same_science(results.read_result(victim), reference)
        return
    assert f"{victim.relative_to(done)} is damaged" in said and "delete it" in said and "Traceback" not in said
    victim.unlink()
    completes(done, ["--cores", "2", "results/tables/runs.csv", *SMOKE])
    assert_same_science(results.read_result(victim), reference)
