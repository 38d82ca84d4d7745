"""Where a result came from: commit, versions, device. Facts about the host, kept apart from the science."""

import os
import platform
import resource
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from gradflow import __version__

PACKAGES = ("torch", "torchvision", "numpy", "snakemake")
HERE = "runtime/provenance.py"  # this file in the library
LIBRARY = "workflow/scripts/gradflow"  # the library in a checkout
# What leads git to another repository than the one around a folder; a hook of git's sets them.
ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE")


def describe_run(device, threads: int) -> dict:
    """Return all that is known of where a run on a torch device was made: commit, versions, device, memory."""
    import torch

    on_gpu = device.type == "cuda"
    facts = {"device": torch.cuda.get_device_name(device) if on_gpu else "cpu", "threads": threads}
    facts["peak_memory_mb"] = round(_peak_memory_mb(), 1)
    if on_gpu:
        facts["gpu"] = str(torch.cuda.get_device_properties(device).uuid)
        facts["peak_gpu_memory_mb"] = round(torch.cuda.max_memory_allocated(device) / 1024**2, 1)
    return facts | git_state() | host_facts()


def git_state(library: Path = Path(__file__).parents[1]) -> dict:
    """Return {"commit": 40 hex digits or None, "dirty": bool or None} of the checkout that a library belongs to.

    A repository around an unpacked or installed copy is not the copy's: then both are None.
    """
    environment = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}

    def git(*arguments: str) -> str | None:
        command = ["git", "-C", str(library), *arguments]
        try:
            ran = subprocess.run(command, capture_output=True, check=True, timeout=30, env=environment)
        except (OSError, subprocess.SubprocessError):
            return None  # no repository, or no git: recorded as unknown
        return os.fsdecode(ran.stdout).strip()

    if git("ls-files", "--full-name", "--error-unmatch", HERE) != f"{LIBRARY}/{HERE}":
        return {"commit": None, "dirty": None}
    commit, changes = git("rev-parse", "HEAD"), git("status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": None if changes is None else bool(changes)}


def host_facts() -> dict:
    """Return library versions, Python, operating system, processor, and what Slurm says of its job and GPU, if any."""
    versions = {package: version(package) for package in PACKAGES}
    return {
        "versions": {"gradflow": __version__} | versions | {"python": platform.python_version()},
        "platform": platform.platform(),
        "processor": _processor(),
        "slurm_job": os.environ.get("SLURM_JOB_ID"),
        "cuda_visible_devices": os.environ.get("CUDA_VISIBLE_DEVICES"),
    }


def _peak_memory_mb() -> float:
    """Return the largest resident memory of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
