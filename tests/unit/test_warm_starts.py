"""Warm starts: a script runs in a copy of a process that has torch, and nobody can tell but by the clock."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from conftest import ROOT
from gradflow.runtime import warm

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="warm starts are Linux's alone")
LIBRARY = ROOT / "workflow" / "scripts"
SCRIPT = """
from gradflow.runtime.warm import hand_over
hand_over()
import json, os, sys
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A copy of the library, to edit."""
    return shutil.copytree(LIBRARY / "gradflow", tmp_path_factory.mktemp("own") / "gradflow")


@pytest.fixture(scope="module")
def offered(library):
    """The environment of jobs to which a warm start is offered, by a process of its own."""
    program = "import os, sys; from gradflow.runtime import warm; warm.offer(1); "
    program += "print(os.environ[warm.OFFER].replace(chr(10), ' '), flush=True); sys.stdin.read()"
    environment = os.environ | {"PYTHONPATH": str(library.parent)}
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=-1, stdout=-1, env=environment, text=True) as offering:
        prefix, address = offering.stdout.readline().split()
        for _ in range(500):
            if os.path.exists(address):
                break
            time.sleep(0.02)
        yield environment | {warm.OFFER: f"{prefix}\n{address}"}
        offering.stdin.close()
    for _ in range(200):
        if not os.path.exists(address):
            break
        time.sleep(0.05)
    assert not os.path.exists(os.path.dirname(address)), "it outlived the process that offered it, or left its folder"


@pytest.fixture
def run(offered, tmp_path):
    """A function that runs a script, warm, and returns the finished process."""

    def start(body: str, **more) -> subprocess.Popen:
        path = tmp_path / "job.py"
        path.write_text(SCRIPT + textwrap.dedent(body))
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([sys.executable, str(path), "an argument"], cwd=tmp_path, env=offered | more, **streams)

    return start


def test_a_script_has_its_own_arguments_folder_environment_and_streams_and_torch_at_once(run, tmp_path):
    body = """
        print(json.dumps([sys.argv[1:], os.getcwd(), os.environ["OWN"], "torch._dynamo" in sys.modules, os.getppid()]))
        print("beside", file=sys.stderr)
    """
    process = run(body, OWN="x")
    out, err = process.communicate(timeout=60)
    arguments, folder, own, has_torch, parent = json.loads(out)
    assert (arguments, folder, own, has_torch) == (["an argument"], str(tmp_path), "x", True)
    assert err == "beside\n" and process.returncode == 0 and parent != os.getpid()


@pytest.mark.parametrize(
    ("body", "status"),
    [("sys.exit(3)", 3), ("sys.exit('no')", 1), ("1 / 0", 1), ("os.kill(os.getpid(), 9)", 137), ("pass", 0)],
)
def test_a_job_ends_as_its_script_ends(run, body, status):
    process = run(body)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == status and ("ZeroDivisionError" in err) == (body == "1 / 0")


def test_a_signal_reaches_the_script_and_a_job_that_is_killed_stops_its_script(run, tmp_path):
    body = """
        import signal, time
        from pathlib import Path
        signal.signal(signal.SIGTERM, lambda *_: (Path("told").touch(), sys.exit(5)))
        Path("ready").touch()
        time.sleep(60)
    """
    for number, status in ((signal.SIGTERM, 5), (signal.SIGKILL, -signal.SIGKILL)):
        process = run(body)
        _wait_for(tmp_path / "ready")
        process.send_signal(number)
        assert process.wait(20) == status
        _wait_for(tmp_path / "told")
        for name in ("told", "ready"):
            (tmp_path / name).unlink()


def test_the_library_is_imported_anew_for_each_job(run, library):
    body = "from gradflow.colours import GREY; print(GREY)"
    first = run(body).communicate(timeout=60)[0].strip()
    path = library / "colours.py"
    path.write_text(path.read_text().replace(first, "#123456"))
    assert run(body).communicate(timeout=60)[0] == "#123456\n"


def test_another_python_or_a_dead_offer_is_no_warm_start_and_the_script_runs_all_the_same(run):
    for offer in ("/another/python\n/nowhere", f"{sys.prefix}\n/nowhere"):
        process = run("print('torch' in sys.modules, os.environ.get('GRADFLOW_WARM_START'))", **{warm.OFFER: offer})
        assert process.communicate(timeout=60)[0] == "False None\n"


def _wait_for(path):
    for _ in range(1000):
        if path.exists():
            return
        time.sleep(0.02)
    raise AssertionError(f"{path.name} never came")
