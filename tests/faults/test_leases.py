"""GPU leases under contention and crashes: never two holders of one GPU, never a lease left behind. It takes no GPU."""

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from conftest import ROOT
from gradflow import GradflowError
from gradflow.runtime import leases
from gradflow.training import device as devices

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="leases are for Linux")
# Takes a lease, marks its place for all to see, holds it for a while, and ends as it is told.
HOLDER = """
import os, sys, time
from pathlib import Path
from gradflow.runtime.leases import take

folder, gpus, slots, seconds, ending = sys.argv[1:]
lease = take(gpus.split(","), int(slots), poll=0.002)
marker = Path(folder) / f"{lease.gpu}-{lease.slot}"
while True:
    try:
        os.symlink(str(os.getpid()), marker)  # fails if it is there
        break
    except FileExistsError:  # left by one that was killed, or the mark of a second holder
        holder = os.readlink(marker)
        try:
            alive = Path("/proc", holder, "cmdline").read_text()  # empty once a process has begun to end
        except OSError:  # gone
            alive = ""
        if alive:
            sys.exit(f"{lease} is held by {holder} as well")
        marker.unlink()
time.sleep(float(seconds))
if ending == "exception":
    raise RuntimeError("a fault while the GPU is held")
if os.readlink(marker) != str(os.getpid()):
    sys.exit(f"{lease} was taken from its holder")
marker.unlink()
"""
CRASHES = {"exception": 1, "SIGTERM": -signal.SIGTERM, "SIGKILL": -signal.SIGKILL}


@pytest.fixture
def gpus():
    """Names of two GPUs that no other test and no other user has."""
    return [f"GPU-{uuid.uuid4()}" for _ in range(2)]


def python(program, *arguments, **options):
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow" / "scripts")} | options.pop("environment", {})
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=-1, stderr=-1, text=True, **options)


def hold(folder, gpus, slots=1, seconds=0.03, ending="well"):
    return python(HOLDER, folder, ",".join(gpus), slots, seconds, ending)


def holders(folder):
    """The processes that say they hold a GPU."""
    found = []
    for marker in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(int(os.readlink(marker)))
    return found


@pytest.mark.parametrize("slots", [1, 2])
def test_eight_crashing_processes_never_hold_one_of_two_gpus_together(tmp_path, gpus, slots):
    chance = random.Random(slots)
    fates = {number: [*chance.sample(sorted(CRASHES), len(CRASHES)), "well"] for number in range(8)}
    running, crashed_while_holding = {}, 0
    while fates:
        for number in fates.keys() - running.keys():
            fate = fates[number][0]
            signalled = fate.startswith("SIG")  # at a random moment: while it starts, waits or holds
            process = hold(tmp_path, gpus, slots, 10 if signalled else chance.uniform(0, 0.1), fate)
            running[number] = process, time.monotonic() + chance.uniform(0, 0.4) if signalled else None
        for number, (process, until) in list(running.items()):
            fate = fates[number][0]
            if until and time.monotonic() > until:
                crashed_while_holding += process.pid in holders(tmp_path)
                process.send_signal(getattr(signal, fate))
                running[number] = process, None
            if process.poll() is not None:
                _, errors = process.communicate()
                assert "held by" not in errors and "taken from" not in errors, errors
                assert process.returncode == CRASHES.get(fate, 0), errors
                del running[number], fates[number][0]
        fates = {number: left for number, left in fates.items() if left}
        time.sleep(0.002)
    print(f"{crashed_while_holding} of 16 signals came while the GPU was held")
    assert crashed_while_holding > 0
    free = [hold(tmp_path, [gpu]) for gpu in gpus for _ in range(slots)]
    assert [process.wait(10) for process in free] == [0] * len(free)


CHILDREN = {
    "forked": "pid = os.fork() or time.sleep(60)",
    "forked by multiprocessing": "p = multiprocessing.get_context('fork').Process(target=time.sleep, args=(60,));"
    "p.start(); pid = p.pid",
    "of another program": "pid = subprocess.Popen(['sleep', '60']).pid",
    "of another program, with its parent's files": "pid = subprocess.Popen(['sleep', '60'], close_fds=False).pid",
}


@pytest.mark.parametrize("kind", CHILDREN)
def test_a_child_that_outlives_its_parent_keeps_no_lease(gpus, tmp_path, kind):
    program = f"""
import multiprocessing, os, subprocess, sys, time
from gradflow.runtime.leases import take
take([sys.argv[1]])
{CHILDREN[kind]}
Path = __import__("pathlib").Path
Path(sys.argv[2]).write_text(str(pid))
os._exit(0)
"""
    pid = tmp_path / "pid"
    assert python(program, gpus[0], pid).wait(10) == 0
    child = int(pid.read_text())
    try:
        assert hold(tmp_path, gpus[:1]).wait(10) == 0
        assert Path("/proc", str(child)).exists()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def taken(gpus, slots=1, **environment):
    """Start a process that takes a lease and keeps it until its stdin closes; return it and what it says first."""
    use = "take(sys.argv[2:], int(sys.argv[1]), 0.01); sys.stdin.read()"
    program = f"import sys; from gradflow.runtime.leases import take; {use}"
    process = python(program, slots, *gpus, environment=environment, stdin=subprocess.PIPE)
    return process, process.stdout.readline().strip()


@pytest.fixture
def take():
    """A process a lease; all end with the test."""
    processes = []

    def start(gpus, slots=1, **environment):
        process, said = taken(gpus, slots, **environment)
        processes.append(process)
        return process, said

    yield start
    for process in processes:
        process.communicate()


def test_one_that_waits_says_for_what_and_goes_on_when_it_is_free(take, gpus):
    first, said = take(gpus)
    assert said == f"leased GPU 0 ({gpus[0]})"
    assert take(gpus)[1] == f"leased GPU 1 ({gpus[1]})"
    third, said = take(gpus)
    assert said == f"waiting for a GPU: other jobs hold {gpus[0]}, {gpus[1]}"
    first.kill()
    assert re.fullmatch(rf"leased GPU 0 \({gpus[0]}\) after waiting \d+ s", third.stdout.readline().strip())


def test_jobs_under_different_masks_agree_on_which_gpu_is_which(take, gpus):
    assert take(gpus)[1] == f"leased GPU 0 ({gpus[0]})"
    assert take([gpus[1]])[1] == f"leased GPU 0 ({gpus[1]})"  # the same GPU has another index here
    assert take(gpus)[1].startswith("waiting")


def test_jobs_share_gpus_only_when_no_gpu_is_idle(take, gpus):
    said = [take(gpus, slots=2)[1].split(" (")[0] for _ in range(5)]
    assert said[:4] == ["leased GPU 0", "leased GPU 1", "leased GPU 0", "leased GPU 1"]
    assert said[4].startswith("waiting")


def test_slurm_jobs_never_wait_for_each_other_but_share_out_their_own_gpus(take, gpus):
    for job in ("17", "18"):
        assert take(gpus, SLURM_JOB_ID=job)[1] == f"leased GPU 0 ({gpus[0]})"
        assert take(gpus, SLURM_JOB_ID=job)[1] == f"leased GPU 1 ({gpus[1]})"
    assert take(gpus, SLURM_JOB_ID="17")[1].startswith("waiting")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become another user")
def test_another_user_is_neither_locked_out_nor_let_in_on_a_gpu_that_is_held(take, gpus):
    program = (
        "import os, sys; from gradflow.runtime.leases import take; os.setgid(65534); os.setuid(65534);"
        "take(sys.argv[1:]); sys.stdin.read()"
    )
    assert take(gpus)[1] == f"leased GPU 0 ({gpus[0]})"
    other = python(program, *gpus, stdin=subprocess.PIPE)
    assert other.stdout.readline().strip() == f"leased GPU 1 ({gpus[1]})"
    assert take(gpus)[1].startswith("waiting")
    other.communicate()


def test_another_temporary_folder_makes_no_difference(take, gpus, tmp_path):
    assert take(gpus[:1])[1].startswith("leased")
    assert take(gpus[:1], TMPDIR=str(tmp_path))[1].startswith("waiting")


def test_a_system_that_refuses_is_one_sentence():
    with pytest.raises(
        GradflowError, match=r"no lease on GPU x+ could be taken.*allow it, or set device to cpu"
    ) as caught:
        leases.take(["x" * 200])
    assert "\n" not in str(caught.value)


def test_cpu_jobs_take_no_lease(monkeypatch):
    monkeypatch.setattr(leases, "take", lambda *arguments: pytest.fail("a CPU job took a lease"))
    leases.lease_device.cache_clear()
    assert leases.lease_device("cpu").type == "cpu"


def test_the_leased_gpu_is_the_one_that_torch_is_given(monkeypatch, take, gpus):
    assert take(gpus)[1].startswith("leased GPU 0")
    chosen = []
    monkeypatch.setattr(devices, "choose_device", lambda *arguments: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid=gpus[index]))
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    leases.lease_device.cache_clear()
    assert leases.lease_device("auto") == leases.lease_device("auto") == torch.device("cuda", 1)
    assert chosen == [1]
    leases.lease_device.cache_clear()
