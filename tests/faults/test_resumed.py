"""A training job that is stopped or killed at any moment: the next start ends as if nothing had been."""

import os
import random
import re
import signal
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from conftest import assert_same_science, copy_workflow, snakemake
from gradflow.training.result import read_result
from processes import ON_LINUX, job_process, start, wait

pytestmark = ON_LINUX
OPTIONS = ["runs", "--cores", "1", "--configfile", "overlay.yaml"]
WHERE: Counter = Counter()  # how many cases were tried, and how many of them interrupted within training


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of the workflow whose one run takes seconds, and is saved all the time; it has run once."""
    folder = copy_workflow(tmp_path_factory.mktemp("resumed"))
    base = {"architecture": "cifar_resnet", "depth": 8, "momentum": 0.9, "step_size": 1, "gamma": 0.9}
    overlay = {
        "select": ["one"],
        "device": "cpu",
        "checkpoint_minutes": 0.001,
        "datasets": {"digits": {"source": "digits", "size": 8}},
        "scale": {"width": 0.125, "epochs": 30, "seeds": 1},
        "studies": {"one": {"question": "?", "base": base, "vary": [{"init": "he"}]}},
    }
    (folder / "overlay.yaml").write_text(yaml.safe_dump(overlay))
    ran = snakemake(folder, *OPTIONS)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    yield folder
    assert WHERE["interrupted"] >= 0.75 * WHERE["tried"], WHERE


@pytest.fixture(scope="module")
def whole(folder):
    """The result of the run, never interrupted."""
    return read_result(result_of(folder))


def result_of(folder) -> Path:
    (path,) = folder.glob("results/runs/*/norms.npz")
    return path


def wait_for_training(folder, process) -> int:
    """Wait until the first epoch is done; the process that trains."""

    def begun():
        log = next(folder.glob("results/logs/train/*.log"), None)
        return log and "epoch 1/" in log.read_text() and job_process(folder, "train")

    return wait("the first epoch", begun, process)


TIMES = int(os.environ.get("GRADFLOW_FAULTS", 1))
CASES = [
    (signal.SIGTERM, "job"),
    (signal.SIGUSR1, "job"),
    (signal.SIGKILL, "job"),
    (signal.SIGINT, "all"),  # Ctrl-C: every process of the terminal gets it
] * TIMES


@pytest.mark.parametrize(("number", "whom"), CASES, ids=[f"{n.name}-{whom}-{i}" for i, (n, whom) in enumerate(CASES)])
def test_the_next_start_ends_as_if_nothing_had_been(folder, whole, request, number, whom):
    path = result_of(folder)
    run = path.parent.name
    checkpoint = folder / "results" / "checkpoints" / f"{run}.pt"
    assert not checkpoint.exists()
    path.unlink()
    next(folder.glob("results/logs/train/*.log")).unlink()
    try:
        process = start(folder, *OPTIONS)
        pid = wait_for_training(folder, process)
        time.sleep(random.Random(request.node.name).uniform(0.1, 0.6) * sum(whole.provenance["epoch_seconds"][1:]))
        with suppress(ProcessLookupError):
            os.kill(pid, number) if whom == "job" else os.killpg(process.pid, number)
        said = process.communicate(timeout=60)[0]
        log = next(folder.glob("results/logs/train/*.log")).read_text()
        interrupted = process.returncode != 0
        WHERE.update(tried=1, interrupted=int(interrupted))
        if interrupted:
            assert not path.exists() and checkpoint.exists()
            if number != signal.SIGKILL:
                stopped = rf"{run} was stopped by {number.name} at step \d+ of \d+; its checkpoint is kept and the next"
                assert re.search(stopped, log), log
                assert "Traceback" not in log + said
                assert whom == "all" or re.search(f"gradflow: {stopped}", said), said
    finally:
        ran = snakemake(folder, *OPTIONS)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    result = read_result(path)
    assert len(result.provenance["resumed_at"]) == interrupted
    assert_same_science(result, whole)
    assert not list(checkpoint.parent.iterdir())
