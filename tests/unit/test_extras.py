"""What is missing is one sentence: a package of an extra, or a system that the workflow runs on; and nothing is loaded
before it is needed."""

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

SCRIPTS = ROOT / "workflow" / "scripts"
BARE = ("-I", "-S")  # no packages but Python's own


def python(code: str, *options: str) -> str:
    """What code prints that runs with this checkout's library, or the last line of its traceback."""
    command = [sys.executable, *options, "-c", f"import sys; sys.path.insert(0, {str(SCRIPTS)!r})\n{code}"]
    ran = subprocess.run(command, capture_output=True, text=True)
    return ran.stdout.strip() if ran.returncode == 0 else ran.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("code", "module", "package", "extra"),
    [
        ("from gradflow.report import pages", "report.pages", "pandas", "[workflow]"),
        ("import gradflow.data.http", "data.http", "requests", "[workflow]"),
        ("from gradflow import GradientRecorder", "recorder.recorder", "torch", ""),
        ("import gradflow; gradflow.build", "models.build", "torch", ""),
    ],
)
def test_a_missing_package_is_one_sentence_that_says_what_to_install(code, module, package, extra):
    sentence = f'gradflow.errors.GradflowError: gradflow.{module} needs {package}: pip install "gradflow-lab{extra}"'
    assert python(code, *BARE) == sentence


def test_a_package_that_other_peoples_code_misses_is_left_to_it(tmp_path):
    (tmp_path / "mine.py").write_text("import pandas\n")
    code = f"import gradflow\nsys.path.insert(0, {str(tmp_path)!r})\n"
    assert python(f"{code}import mine", *BARE) == "ModuleNotFoundError: No module named 'pandas'"
    builder = f"from gradflow.builders import load_builder; load_builder({str(tmp_path / 'mine.py')!r} + ':net')"
    assert python(f"{code}{builder}", *BARE).endswith("(ModuleNotFoundError: No module named 'pandas').")


def test_a_module_that_the_library_lacks_is_not_taken_for_a_package():
    assert python("import gradflow.nothing", *BARE) == "ModuleNotFoundError: No module named 'gradflow.nothing'"


def test_the_command_says_what_it_lacks_and_its_version_without_any_package():
    main = "from gradflow.cli import main; print(main({}))"
    said = f"gradflow 0.1.0 (no torch, Python {sys.version.split()[0]})\n0"
    assert python(main.format(["--version"]), *BARE) == said


def test_importing_gradflow_loads_nothing_heavy():
    code = "before = {*sys.modules}; import gradflow; print(*{name.split('.')[0] for name in {*sys.modules} - before})"
    loaded = set(python(code).split())
    assert "gradflow" in loaded and loaded <= {"gradflow", *sys.stdlib_module_names}
    assert not loaded & {"asyncio", "multiprocessing", "http", "email"}


ELSEWHERE = """
import torch, torch.utils.flop_counter, numpy
sys.platform = "win32"
sys.modules |= dict.fromkeys(["fcntl", "resource", "pwd", "grp"])
from gradflow import GradflowError, GradientRecorder, build, train
from gradflow.cli import main
model = torch.nn.Sequential(torch.nn.Linear(4, 3))
with GradientRecorder(model) as recorder:
    model(torch.ones(5, 4)).sum().backward()
    recorder.step()
main(["layers", "resnet18", "--options", "width=0.125", "--input", "3x32x32"])
try:
    import gradflow.runtime
except GradflowError as error:
    print(error)
"""
REFUSED = (
    "gradflow's workflow needs Linux or macOS, or on Windows WSL; the recorder and the command gradflow work here."
)


def test_on_windows_the_recorder_and_the_command_work_and_the_runtime_says_that_it_does_not():
    works, refused = python(ELSEWHERE).rsplit("\n", 1)
    assert works.startswith("column") and refused == REFUSED


def test_on_windows_the_workflow_says_that_it_needs_another_system(tmp_path):
    Path(tmp_path / "workflow").symlink_to(ROOT / "workflow")
    rules = 'import sys\nsys.platform = "win32"\ninclude: "workflow/rules/checkout.smk"\n'
    (tmp_path / "Snakefile").write_text(rules)
    command = [sys.executable, "-m", "snakemake", "--dry-run"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode != 0 and REFUSED in (ran.stdout + ran.stderr).splitlines()
