"""The workflow as running processes: to start, to find and to kill."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from conftest import environment

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes under /proc")


def start(folder: Path, *arguments: str, stdout: int = subprocess.PIPE) -> subprocess.Popen:
    """Start snakemake in a folder, in a process group of its own; all that it says goes to stdout."""
    command = [sys.executable, "-m", "snakemake", *arguments]
    streams = {"stdout": stdout, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, cwd=folder, env=environment(), start_new_session=True, **streams)


def running(folder: Path) -> dict[int, list[str]]:
    """Return {process: its command line} of the processes whose working folder lies in a folder."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            if Path(os.readlink(path / "cwd")).is_relative_to(folder):
                found[int(path.name)] = (path / "cmdline").read_text().split("\0")
    return found


def job_process(folder: Path, script: str) -> int | None:
    """The process that runs a script of the workflow (`train`) in a folder, if there is one."""
    for pid, words in running(folder).items():
        if len(words) > 1 and Path(words[0]).name.startswith("python") and words[1].endswith(f".{script}.py"):
            return pid
    return None


def wait(what: str, until: Callable[[], object], process: subprocess.Popen, seconds: float = 60):
    """Return the first true answer of until(); AssertionError once the process has ended or time is up."""
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        if answer := until():
            return answer
        time.sleep(0.01)
    process.kill()
    raise AssertionError(f"{what}: never seen\n{process.communicate()[0]}")
