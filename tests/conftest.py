"""What several tests share."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from hypothesis import settings

from command_line import snakemake_in

ROOT = Path(__file__).parents[1]
REAL_DATA = Path(os.environ.get("GRADFLOW_REAL_DATA", ROOT.parent / "shared" / "data"))
SHIPPED = (
    "Snakefile", "CITATION.cff", "config.yaml", "config", "workflow", "report", "profiles", "envs", "exercises"
)  # fmt: skip
CHECKED = "GRADFLOW_TESTS_CHECKED"
# What waits for others comes first, and what needs the whole of a core last: the workers end together.
ORDER = ("cluster", "browser", "workflow", "faults", "unit", "peers")

torch.set_num_threads(1)
settings.register_profile("house", deadline=None, derandomize=True)  # the same examples everywhere, however slow
settings.load_profile("house")


def pytest_configure(config):
    """Keep what planning found out of the networks in a folder of this session's, which all workers share."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ[CHECKED] = tempfile.mkdtemp(prefix="gradflow-checked-")
        config.add_cleanup(lambda: shutil.rmtree(os.environ.pop(CHECKED)))


def pytest_collection_modifyitems(items):
    """Put the tests in ORDER, by their folder."""
    items.sort(key=lambda item: ORDER.index(item.path.relative_to(ROOT / "tests").parts[0]))


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A function that makes a folder once for all workers: shared(name, make) calls make(folder) in one of them."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def once(name: str, make) -> Path:
        folder, done, failed = root / name, root / f"{name}.done", root / f"{name}.failed"
        with FileLock(root / f"{name}.lock"):
            assert not failed.exists(), f"{name} could not be made: {failed.read_text()}"
            if not done.exists():
                failed.write_text("its worker died")
                folder.mkdir()
                try:
                    make(folder)
                except BaseException as error:
                    failed.write_text(str(error))
                    raise
                failed.unlink()
                done.touch()
        return folder

    return once


@pytest.fixture(scope="session")
def digits(shared):
    """The prepared digits at 32 pixels: their folder."""
    from gradflow.data.prepare import prepare

    folder = shared("data", lambda folder: prepare(folder / "digits", "digits", {"source": "digits", "size": 32}))
    return folder / "digits"


def real_data(name: str) -> Path:
    """An archive of real images for tests and measurements, which is no part of the project; skip without it."""
    path = REAL_DATA / name
    if not path.exists():
        pytest.skip(f"needs {name} in the folder that GRADFLOW_REAL_DATA names")
    return path


def copy_workflow(folder: Path) -> Path:
    """Copy the workflow, without results, into a folder of its own."""
    for name in SHIPPED:
        source = ROOT / name
        if source.is_dir():
            # What is compiled, too, so that a copy need not do it again; not what another worker is compiling.
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("*.pyc.*"))
        else:
            shutil.copy(source, folder / name)
    (folder / ".snakemake").mkdir()
    # The networks are the same in all copies.
    (folder / ".snakemake" / "gradflow-checked").symlink_to(os.environ[CHECKED])
    return folder


def environment() -> dict[str, str]:
    """The environment in which this Python's commands are used, and each copy's own library by the copy's own means."""
    return os.environ | {"PATH": str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]}


def snakemake(folder: Path, *arguments: str, timeout: float = 600) -> subprocess.CompletedProcess:
    """Run snakemake of this environment in a folder."""
    return snakemake_in(folder, arguments, environment(), timeout)


def planned(output: str) -> Counter:
    """The job counts of a dry run's last table."""
    table = output.rsplit("Job stats:", 1)[1].split("total", 1)[0]
    return Counter({name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)})


def pending(folder: Path, *arguments: str) -> Counter:
    """What a dry run would do in a folder: how many jobs of each rule."""
    ran = snakemake(folder, "-n", *arguments)
    output = ran.stdout + ran.stderr
    assert ran.returncode == 0, output
    return Counter() if "Nothing to be done" in output else planned(output)


def assert_same_science(result, other) -> None:
    """Assert that two results have the same meta data and the same bytes in every array."""
    assert result.meta == other.meta and result.arrays.keys() == other.arrays.keys()
    for name, array in other.arrays.items():
        assert array.tobytes() == result[name].tobytes() and array.dtype == result[name].dtype, name


@pytest.fixture
def workflow(tmp_path):
    """A copy of the workflow in a folder of its own."""
    return copy_workflow(tmp_path)


@pytest.fixture(scope="session")
def smoke(shared):
    """A copy of the workflow in which the smoke config has run to its end, report included."""

    def make(folder):
        copy_workflow(folder)
        ran = snakemake(folder, "--cores", "2", "--resources", "gpu=1", "--configfile", "config/smoke.yaml")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        report = snakemake(folder, "--configfile", "config/smoke.yaml", "--report", "results/report.html")
        assert report.returncode == 0, report.stdout + report.stderr

    return shared("smoke", make)


@pytest.fixture
def done(smoke, tmp_path):
    """A copy, to be edited, of the folder in which the smoke config has run; times are kept, or all would rerun."""
    folder = tmp_path / "done"
    shutil.copytree(smoke, folder, symlinks=True)
    return folder


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A copy of the library to edit, whose code is fingerprinted."""
    from gradflow.runtime import fingerprint

    copy = shutil.copytree(fingerprint.ROOT, tmp_path / "gradflow", ignore=shutil.ignore_patterns("*.pyc.*"))
    monkeypatch.setattr(fingerprint, "ROOT", copy)
    return copy
