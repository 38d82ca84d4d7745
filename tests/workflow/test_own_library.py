"""A job's library is its own checkout's, whichever gradflow is installed or first on the path; or the job refuses."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

from conftest import ROOT, copy_workflow, environment, snakemake
from gradflow.runtime.fingerprint import code_fingerprint
from gradflow.training.result import read_result
from library_copy import edit

LIBRARY = Path("workflow", "scripts", "gradflow")
JOB = "results/data/digits/dataset.json"
WITH_OVERLAY = ["--configfile", "overlay.yaml"]
OVERLAY = {
    "select": ["one"],
    "datasets": {"digits": {"source": "digits", "size": 8}},
    "scale": {"width": 0.03125, "epochs": 1, "seeds": 1},
    "studies": {"one": {"question": "?", "vary": [{"architecture": "cifar_resnet", "depth": 8, "init": "he"}]}},
}


def mark(library: Path, word: str) -> None:
    """Let a copy of the library say of every data set that it prepares who it is."""
    edit(library / "data" / "store.py", '"name": name,', f'"name": name, "by": "{word}",')


def old_copy(folder: Path) -> Path:
    """A gradflow in a folder, of a time when no job looked whose it is."""
    shutil.copytree(ROOT / LIBRARY, folder / "gradflow")
    edit(folder / "gradflow" / "runtime" / "job.py", "        _require_own_library(Path(script.scriptdir))\n", "")
    mark(folder / "gradflow", "the old copy")
    return folder


@pytest.fixture
def checkout(tmp_path):
    """A second checkout, whose library is another; the tests' environment has an editable install of the first.

    A shell reads its path otherwise.
    """
    folder = tmp_path / "my project's ü $HOME"
    folder.mkdir()
    copy_workflow(folder)
    mark(folder / LIBRARY, "this checkout")
    (folder / "overlay.yaml").write_text(yaml.safe_dump(OVERLAY))
    return folder


@pytest.fixture
def python(checkout):
    """The environment of a checkout, with the packages of the tests': its Python, and the folder of its packages."""
    folder = checkout / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "shared.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin" / "python", packages


def prepared_by(folder: Path, python: Path = Path(sys.executable), **variables: str) -> str:
    """Whose library prepares the digits in a checkout, or why none does."""
    command = [python, "-m", "snakemake", JOB, "--cores", "1", *WITH_OVERLAY]
    ran = subprocess.run(command, cwd=folder, env=environment() | variables, capture_output=True, text=True)
    return json.loads((folder / JOB).read_text())["by"] if ran.returncode == 0 else ran.stdout + ran.stderr


def test_two_checkouts_share_an_environment(checkout):
    edit(checkout / LIBRARY / "training" / "status.py", "STALLED_WITHIN = 0.01", "STALLED_WITHIN = 9.0")
    ran = snakemake(checkout, "runs", "--cores", "1", *WITH_OVERLAY, "--config", "results=my results")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (path,) = checkout.glob("my results/runs/*/norms.npz")
    assert not (checkout / "results").exists()
    result = read_result(path)
    assert "is 900% better than guessing" in result.meta["reason"]
    assert result.meta["code_fingerprint"] != code_fingerprint("gradflow.training.loop", "gradflow.training.device")
    assert result.provenance["commit"] is None  # the copy is in no repository, the first checkout may be


def test_an_installed_older_copy_is_not_used(checkout, python):
    command, packages = python
    old_copy(packages)
    assert prepared_by(checkout, command) == "this checkout"


def test_a_foreign_package_of_the_name_is_not_used(checkout, tmp_path):
    foreign = tmp_path / "foreign"
    (foreign / "gradflow").mkdir(parents=True)
    (foreign / "gradflow" / "__init__.py").write_text("raise SystemExit('gradient flow of fluids')")
    assert prepared_by(checkout, PYTHONPATH=str(foreign)) == "this checkout"


def test_a_copy_that_is_first_all_the_same_is_refused_before_any_job(checkout, python, tmp_path):
    command, packages = python
    old = old_copy(tmp_path / "old")
    (packages / "sitecustomize.py").write_text(f"import sys; sys.path.insert(0, {str(old)!r})")
    said = prepared_by(checkout, command)
    assert re.search(rf"Python takes gradflow from {re.escape(str(old))}\S+, not from this checkout", said), said
    assert "Traceback" not in said and not (checkout / "results").exists()


def test_a_job_refuses_a_library_that_is_not_beside_its_script(tmp_path):
    """As where the variables of the process that starts jobs do not reach them."""
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "one.py").write_text("from gradflow.runtime.job import job\nwith job(snakemake):\n    raise KeyError\n")
    rule = 'rule one:\n    output: "never"\n    log: "one.log"\n    script: "scripts/one.py"\n'
    (tmp_path / "Snakefile").write_text(rule)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--show-failed-logs"]
    elsewhere = environment() | {"PYTHONPATH": str(ROOT / LIBRARY.parent)}
    ran = subprocess.run(command, cwd=tmp_path, env=elsewhere, capture_output=True, text=True)
    said = ran.stdout + ran.stderr
    sentence = f"gradflow was taken from {ROOT / LIBRARY}, not from the checkout of this job, {scripts}: uninstall it"
    assert ran.returncode != 0 and f"gradflow: {sentence}" in said and sentence in (tmp_path / "one.log").read_text()
    assert "Traceback" not in said and "KeyError" not in said


def test_a_plan_is_made_by_its_own_checkout(checkout):
    edit(
        checkout / LIBRARY / "runtime" / "dry_run.py",
        "def jobs_in_words(",
        "def jobs_in_words(*_):\n    return 'mine'\n\n\ndef _in_words(",
    )
    command = [sys.executable, os.path.join("workflow", "scripts", "plan.py"), JOB, *WITH_OVERLAY]
    ran = subprocess.run(command, cwd=checkout, env=environment(), capture_output=True, text=True)
    assert ran.stdout == "mine\n", ran.stdout + ran.stderr
