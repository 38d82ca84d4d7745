"""kill -9 while a data set is fetched, decompressed and decoded: the next run completes, with the same fingerprint."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import archives as made
from conftest import ROOT
from faulty_server import faulty_server
from gradflow.data import store

PROGRAM = """
import sys
from pathlib import Path
from gradflow.data.fetch import Download, fetch
from gradflow.data.prepare import prepare

url, sha256, folder = sys.argv[1:]
archive = fetch(Download("zoo", sha256, (url,)), Path(folder) / "cache")
prepare(Path(folder) / "data", "zoo", {"source": "folder", "size": 64}, {"zoo": archive}, workers=2)
"""

# What is on disk while a stage lasts, and about how many seconds it lasts.
STAGES = {
    "fetching": ("cache/*/zoo.tar.xz.part", 0.6),
    "decompressing": ("data/.making/zoo.tar", 0.1),
    "decoding": ("data/.making/images.npy", 0.15),
}
STOPS = max(4, int(os.environ.get("GRADFLOW_FAULTS", 1)))
KILLED: Counter = Counter()


@pytest.fixture(scope="module")
def source():
    with faulty_server() as server:
        generator = np.random.default_rng(0)
        names = [f"{part}/{c}/{i}.jpg" for part in ("train", "test") for c in "abcdefgh" for i in range(80)]
        archive = made.tar({name: made.photograph(generator) for name in names}, "xz")
        server.files["/zoo.tar.xz"] = archive
        server.pace = len(archive) / 0.6
        yield server.url("/zoo.tar.xz"), hashlib.sha256(archive).hexdigest()


def start(source, folder):
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow" / "scripts")}
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *source, str(folder)], env=environment)


@pytest.fixture(scope="module")
def reference(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    assert start(source, folder).wait(120) == 0
    return store.load_dataset(folder / "data").fingerprint


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("point", range(STOPS))
def test_the_next_run_completes_as_if_nothing_had_been(source, reference, tmp_path, stage, point):
    pattern, lasts = STAGES[stage]
    process = start(source, tmp_path)
    while process.poll() is None and not any(tmp_path.glob(pattern)):
        time.sleep(0.001)
    time.sleep(random.Random(f"{stage} {point}").uniform(0, lasts))
    process.send_signal(signal.SIGKILL)
    killed = process.wait() == -signal.SIGKILL
    print(f"{stage} {point}: {'killed' if killed else 'was done'}")
    KILLED[stage] += killed
    assert not survivors(tmp_path), "a process that decodes outlived the one that was killed"
    assert start(source, tmp_path).wait(120) == 0
    assert store.load_dataset(tmp_path / "data").fingerprint == reference
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == sorted(store.FILES)


def test_most_points_were_within_their_stage():
    assert all(KILLED[stage] > STOPS // 2 for stage in STAGES), KILLED


def survivors(folder) -> list[str]:
    """Processes that still work on a folder, a second after their parent died."""
    for _ in range(100):
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                found += [path.parent.name] if str(folder) in path.read_text() else []
        if not found:
            break
        time.sleep(0.02)
    return found
