"""One set of pins: the lock, the conda environments and the project's own requirements agree."""

import ast
import importlib.util
import itertools
import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement

from conftest import ROOT


def locked():
    """{package: [versions]} of requirements.lock; a package may have one version for each Python."""
    versions = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        match = re.match(r"([A-Za-z0-9_.-]+)==([^ ;]+)", line)
        if match:
            versions.setdefault(match[1].lower(), []).append(match[2])
    return versions


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "envs").glob("*.yaml")))
def test_conda_environments_have_the_locks_pins(name):
    environment = yaml.safe_load((ROOT / "envs" / name).read_text())
    pins = next(part["pip"] for part in environment["dependencies"] if isinstance(part, dict))
    for pin in pins:
        package, version = pin.split("==")
        assert version in locked()[package], pin


def test_the_lock_satisfies_the_project_and_names_no_host():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for text in itertools.chain(project["dependencies"], *project["optional-dependencies"].values()):
        requirement = Requirement(text)
        versions = locked()[requirement.name.lower()]
        assert all(requirement.specifier.contains(version) for version in versions), text
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock and not re.search(r"^--", lock, re.MULTILINE)
    assert locked()["torch"] == ["2.11.0"] and locked()["torchvision"] == ["0.26.0"]
    assert all(version.startswith("9.27.") for version in locked()["snakemake"])


def test_gpu_packages_are_for_linux_alone():
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if line.startswith(("nvidia-", "triton", "cuda-")):
            assert "sys_platform == 'linux'" in line, line


@pytest.mark.parametrize("name", ["Dockerfile", "apptainer.def"])
def test_containers_install_the_lock_and_have_no_pins_of_their_own(name):
    lines = (ROOT / "envs" / name).read_text().splitlines()
    installed = [line.split("pip install", 1)[1].split() for line in lines if "pip install" in line]
    assert installed == [["--no-cache-dir", "--requirement", "/tmp/requirements.lock"]]
    assert any(re.search(r"\brequirements\.lock /tmp/requirements\.lock$", line) for line in lines)
    image = next(re.search(r"python:(\d\.\d+)", line)[1] for line in lines if re.match("from:? ", line, re.IGNORECASE))
    conda = yaml.safe_load((ROOT / "envs" / "torch.yaml").read_text())["dependencies"]
    assert f"python={image}" in conda


def test_what_the_benchmarks_import_of_the_library_is_there():
    """They are run by hand, and must not be left behind by a move."""
    for path in sorted((ROOT / "bench").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "gradflow":
                module = importlib.import_module(node.module)
                for alias in node.names:
                    known = hasattr(module, alias.name) or importlib.util.find_spec(f"{node.module}.{alias.name}")
                    assert known, f"{path.name}: from {node.module} import {alias.name}"
