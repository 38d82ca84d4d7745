"""Measure what importing gradflow and its recorder costs, each in processes of its own: python bench/imports.py."""

import os
import statistics
import subprocess
import sys
from pathlib import Path

import numpy
import torch

LIBRARY = Path(__file__).parents[1] / "workflow" / "scripts"
REPEATS = 10
TIMED = """
from time import perf_counter
started = perf_counter()
{first}
between = perf_counter()
{then}
print(between - started, perf_counter() - between)
"""
CASES = {
    "import gradflow": ("pass", "import gradflow"),
    "GradientRecorder after torch": ("import torch", "from gradflow import GradientRecorder"),
}


def seconds(first: str, then: str) -> tuple[float, float]:
    """Return how long two statements take one after the other in a new process."""
    code = TIMED.format(first=first, then=then)
    environment = os.environ | {"PYTHONPATH": str(LIBRARY)}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, encoding="utf-8", check=True
    )
    before, after = ran.stdout.split()
    return float(before), float(after)


def main() -> None:
    python = sys.version.split()[0]
    print(f"Python {python}, torch {torch.__version__}, numpy {numpy.__version__}, load {os.getloadavg()[0]:.2f}")
    for name, statements in CASES.items():
        seconds(*statements)  # the files are in the system's memory from now on
        before, after = zip(*(seconds(*statements) for _ in range(REPEATS)))
        said = f"{1000 * statistics.median(after):7.1f} ms ({1000 * min(after):.1f} to {1000 * max(after):.1f})"
        print(f"{name:30}{said}; before it {1000 * statistics.median(before):.0f} ms")


if __name__ == "__main__":
    main()
