"""The wheel: all of the library, its schemas too, and of other packages torch and numpy alone to record and to ask."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from importlib.metadata import packages_distributions, requires

import mistune
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from test_environments_of_rules import SCRIPTS, code_of_the_notebook, imported

from conftest import ROOT
from gradflow import __version__
from gradflow.extras import BASE, DISTRIBUTION, TOOLS, WORKFLOW

LIBRARY = SCRIPTS / "gradflow"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

# Runs with -I, so that nothing but the wheel, the standard library and the environment's packages is found; of the
# packages, only those that torch itself requires.
ALONE = """
import sys
wheel, allowed = sys.argv[1], {*sys.argv[2].split(), *sys.stdlib_module_names}
import torch, numpy

class Blocked:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.split(".")[0] not in allowed:
            raise ModuleNotFoundError(f"{name} is blocked", name=name)

before = {name.split(".")[0] for name in sys.modules}
sys.meta_path.insert(0, Blocked)
sys.path.insert(0, wheel)
import gradflow
assert gradflow.__file__.startswith(wheel)
from gradflow import GradientRecorder

new = {name.split(".")[0] for name in sys.modules} - before
assert new <= {"gradflow", *sys.stdlib_module_names}, new

model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2))
with GradientRecorder(model) as recorder:
    model(torch.ones(5, 4)).sum().backward()
    recorder.step()
assert recorder.norms()["weight_grad_norm"].shape == (1, 2)

from gradflow.cli import main
main(["--version"])
sys.exit(main(["layers", "resnet18", "--options", "width=0.125", "--input", "3x32x32"]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout, unpacked: its folder."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # setuptools leaves a build folder where it builds
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(LIBRARY, source / LIBRARY.relative_to(ROOT), ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    ran = subprocess.run([*command, "--wheel-dir", folder, source], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def required_by(*packages: str) -> set[str]:
    """The distributions that some require, and those that these require in turn."""
    found, pending = set(), list(packages)
    while pending:
        name = pending.pop().lower()
        if name not in found:
            found.add(name)
            needed = map(Requirement, requires(name) or [])
            pending += [one.name for one in needed if not one.marker or one.marker.evaluate({"extra": ""})]
    return found


def test_the_recorder_and_the_command_need_torch_and_numpy_alone(wheel):
    distributions = required_by(*BASE)
    allowed = {
        top for top, names in packages_distributions().items() if {name.lower() for name in names} & distributions
    }
    assert {"torch", "numpy"} <= allowed and not allowed & {"pandas", "yaml", "torchvision", "scipy", "tqdm", "PIL"}
    command = [sys.executable, "-I", "-c", ALONE, str(wheel), " ".join({*allowed, "gradflow"})]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    version, _, *rows = ran.stdout.splitlines()
    assert version.startswith(f"gradflow {__version__} (torch 2.")
    assert rows[0].split() == ["conv1", "Conv2d", "8×3×7×7", "1,176", "147", "main"]


def test_every_file_of_the_library_is_in_the_wheel(wheel):
    ours = {path.relative_to(LIBRARY.parent) for path in LIBRARY.rglob("*") if path.is_file()}
    ours = {path for path in ours if "__pycache__" not in path.parts}
    assert any(path.suffix == ".yaml" for path in ours)
    theirs = {path.relative_to(wheel) for path in (wheel / "gradflow").rglob("*") if path.is_file()}
    assert {path for path in theirs if "__pycache__" not in path.parts} == ours


def test_its_metadata_say_what_it_is_called_and_needs_and_the_readme_is_its_description(wheel):
    (folder,) = wheel.glob("*.dist-info")
    said = Parser().parsestr((folder / "METADATA").read_text(encoding="utf-8"))
    assert (said["Name"], said["Version"]) == (DISTRIBUTION, __version__)
    needed = [Requirement(text) for text in said.get_all("Requires-Dist")]
    assert sorted(one.name for one in needed if not one.marker) == sorted(BASE)
    assert sorted(said.get_all("Provides-Extra")) == ["test", "workflow"]
    assert said["Description-Content-Type"] == "text/markdown"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert said.get_payload().strip() == readme.strip()
    assert mistune.html(readme).startswith("<h1>gradflow</h1>")
    assert "gradflow = gradflow.cli:main" in (folder / "entry_points.txt").read_text()
    assert f"version: {__version__}" in (ROOT / "CITATION.cff").read_text()


def test_every_package_that_the_library_and_the_scripts_import_is_named_by_an_extra():
    named = {Requirement(text).name for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["workflow"]}
    sources = [path.read_text() for path in SCRIPTS.rglob("*.py")] + [code_of_the_notebook()]
    packages = {name.split(".")[0] for source in sources for name in imported(source)}
    packages -= {"gradflow", *TOOLS, *sys.stdlib_module_names}
    distributions = packages_distributions()
    lacking = {
        package for package in packages if not {canonicalize_name(name) for name in distributions[package]} & named
    }
    assert "pandas" in packages and lacking == set()


def test_the_sentence_about_a_missing_package_knows_all_that_the_library_imports():
    library = [path.read_text() for path in (SCRIPTS / "gradflow").rglob("*.py")]
    packages = {name.split(".")[0] for source in library for name in imported(source)}
    assert packages - {"gradflow", *sys.stdlib_module_names} == {*BASE, *WORKFLOW, *TOOLS}
