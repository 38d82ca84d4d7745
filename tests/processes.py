"""The workflow as running processes: to start, to find and to kill."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    """Start snakemake in a folder, in a process group of its own; what it says goes to one pipe."""
    environment = os.environ | {"PYTHONPATH": str(folder / "workflow" / "scripts")}
    environment["PATH"] = str(Path(sys.executable).parent) + os.pathsep + environment["PATH"]
    command = [sys.executable, "-m", "snakemake", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=pipe, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


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
