"""Every block and every command of the documentation is executed, or what docs/tested.md says is done instead."""

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import mistune
import pytest
import torch
import yaml
from snakemake.cli import get_argument_parser
from test_added_files import ADDED
from test_dry_run import PLANS
from test_exercises import EXERCISES
from torch import nn

import documents
from conftest import ROOT, environment, pending, snakemake
from documented_files import furnish, recorder_of
from documents import BLOCKS, CHECKED, COMMANDS, ELSEWHERE, PAGES, PLANNED, filled_in, treatment, written_in_full
from gradflow import GradientRecorder, studies, train
from gradflow.analysis.claims.schema import read_claims
from gradflow.builders import load_builder
from gradflow.cli import command_parser, main
from gradflow.config import configuration
from gradflow.config.architectures import known
from gradflow.data.store import load_dataset
from gradflow.runs import Run

PYTHON = [block for block in BLOCKS if block.language == "python" and not block.file]
YAML = [block for block in BLOCKS if block.language == "yaml"]
FIRST = {said: block for block, said in reversed(COMMANDS)}  # where a command that several pages have stands first
HERE = [(block, said) for said, block in reversed(FIRST.items()) if treatment(said).how != ELSEWHERE]
TARGETS = set(re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split())


@pytest.fixture(scope="module")
def checkout(smoke, tmp_path_factory):
    """A copy in which the smoke configuration has run, with the files that the pages speak of."""
    folder = tmp_path_factory.mktemp("documentation") / "checkout"
    shutil.copytree(smoke, folder, symlinks=True)
    furnish(folder)
    subprocess.run(["make", "student", written_in_full("ID=…")], cwd=folder, env=environment(), check=True)
    return folder


def in_place(text: str, checkout: Path) -> str:
    """A command or code with what stands for a file of the copy."""
    (run, *_), (homework,) = (checkout / "results/runs").iterdir(), (checkout / "results/students").glob("*.yaml")
    for placeholder, value in {"<run-id>": run.name, "<run>": run.name, "<hash>": homework.stem}.items():
        text = text.replace(placeholder, value)
    return written_in_full(text)


def test_every_block_is_fenced_and_says_a_language_that_is_dealt_with():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        found = list(code_of(mistune.create_markdown(renderer=None, plugins=["table"])(text)))
        assert [code.get("style") for code in found] == ["fenced"] * len(documents.blocks_of(page)), page
    assert {block.language for block in BLOCKS} <= documents.LANGUAGES.keys()
    named = [block.file for block in BLOCKS if block.file and block.file != "my_claims.yaml"]
    assert len(named) == len(set(named))


def code_of(tokens):
    """The blocks of code among the tokens of a page, wherever they are nested."""
    for token in tokens:
        if token["type"] == "block_code":
            yield token
        yield from code_of(token.get("children", ()))


def test_the_page_that_counts_them_is_up_to_date():
    page = (ROOT / "docs" / "tested.md").read_text(encoding="utf-8")
    assert page == documents.page_of_the_tested(), "make reference writes docs/tested.md anew"
    assert f"have {len(BLOCKS)} blocks" in page and f"Of the {len(COMMANDS)} commands" in page
    print(f"\n{len(BLOCKS)} blocks, {len(COMMANDS)} commands")


@pytest.mark.parametrize(("block", "command"), HERE, ids=[f"{block}-{said[:40]}" for block, said in HERE])
def test_a_command_does_what_the_page_says(block, command, checkout, monkeypatch, plan):
    monkeypatch.chdir(checkout)
    monkeypatch.setattr(sys, "path", [*sys.path])  # the command looks for networks where it is started
    how, words = treatment(command).how, shlex.split(in_place(command, checkout))
    for own in (one for one in BLOCKS if one.page == block.page and one.file == "my_claims.yaml"):
        (checkout / own.file).write_text(filled_in(own.code), encoding="utf-8")
    if how == CHECKED:
        check(words)
    elif words[0] == "snakemake":
        plan(checkout, words[1:])
    elif how == PLANNED:
        for line in made_by(checkout, words):
            carry_out(line, checkout, plan)
    else:
        run(words, checkout)


def run(words: list[str], checkout: Path) -> None:
    """Run a command; gradflow in this process, which has torch."""
    if words[0] == "gradflow":
        assert main(words[1:]) == 0
        return
    if words[:2] == ["tail", "-f"]:
        words[1] = "--lines=3"  # which ends
    there = environment() | {"PYTHONPATH": str(checkout / "workflow" / "scripts")}
    place = checkout.parent if words[0] in ("git", "cd") else checkout
    ran = subprocess.run(["bash", "-c", line_of(words)], cwd=place, env=there, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def line_of(words: list[str]) -> str:
    """A line for a shell, in which > leads into a file."""
    return " ".join(">" if word == ">" else shlex.quote(word) for word in words)


def made_by(checkout: Path, words: list[str]) -> list[str]:
    """The commands of a make target."""
    ran = subprocess.run([*words, "-n"], cwd=checkout, env=environment(), capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return [line for line in ran.stdout.splitlines() if line.startswith(".venv/bin/python")]


def carry_out(line: str, checkout: Path, plan) -> None:
    """Plan what a make target hands to Snakemake; of anything else see that it is there."""
    words = shlex.split(line)[1:]
    if words[:2] == ["-m", "snakemake"]:
        plan(checkout, words[2:])
    else:
        assert importlib.util.find_spec(words[1]) if words[0] == "-m" else (checkout / words[0]).is_file(), line


@pytest.fixture(scope="module")
def plan():
    """Plan a command of Snakemake, once where commands differ in what of the machine, or which claims, they take."""
    planned = {" ".join(arguments) for arguments, _ in PLANS}  # by other tests, as the exercises are
    planned |= {f"--configfile exercises/{name}/overlay.yaml" for name in EXERCISES}

    def once(folder: Path, words: list[str]) -> None:
        asked = get_argument_parser().parse_args(words)
        key = re.sub(r"(--cores|--resources) \S+ ?|--config claims=\S+|-n( |$)", "", " ".join(words)).strip()
        if asked.report or key in planned:
            return
        ran = snakemake(folder, *words, *([] if "-n" in words else ["-n"]))
        assert ran.returncode == 0, (ran.stdout + ran.stderr)[-2000:]
        planned.add(key)

    return once


def check(words: list[str]) -> None:
    """See that a command that is not run is spelled right."""
    if words[0] == "snakemake":
        assert get_argument_parser().parse_args(words[1:]).report
    elif words[0] == "make":
        assert words[1] in TARGETS
    else:
        assert " ".join(words[2:]) in (ROOT / "Makefile").read_text().replace("'", "")


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_runs(block, checkout, digits, monkeypatch):
    if block.code.startswith('"""'):  # a file of the library
        assert block in [found for _, found in ADDED.items()]
        return
    monkeypatch.chdir(checkout)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(144, 2))
    batches = [(torch.randn(4, 3, 8, 8), torch.randint(2, (4,))) for _ in range(5)]
    names = {"model": model, "optimizer": torch.optim.SGD(model.parameters(), 0.1, momentum=0.9), "batches": batches}
    names |= {"criterion": nn.CrossEntropyLoss(), "images": batches[0][0], "labels": batches[0][1], "torch": torch}
    names |= {"recorder": recorder_of(model, batches), "GradientRecorder": GradientRecorder, "path": "my_state.pt"}
    names |= {"train": train, "dataset": load_dataset(digits), "make_net": load_builder("path/to/net.py:make_net")}
    names["run"] = Run("vgg_deep", "digits", "digits", 32, seed=0, width=1 / 32, epochs=1)
    exec(compile(in_place(block.code, checkout), str(block), "exec"), names)


@pytest.mark.parametrize("block", YAML, ids=str)
def test_yaml_is_a_configuration_or_claims(block, checkout, monkeypatch, tmp_path):
    monkeypatch.chdir(checkout)
    path = tmp_path / "block.yaml"
    path.write_text(filled_in(written_in_full(block.code)), encoding="utf-8")
    if isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), list):
        assert read_claims(path)
        return
    config = configuration.read_configuration(ROOT / "config.yaml", path)
    own = [*(yaml.safe_load(block.code).get("studies") or ["kernel"])]  # of the others' networks other tests know
    plan = studies.expand(config | {"select": own})
    studies.check_models(plan, known(config["architectures"]))
    assert [study.name for study in plan] == own


SNAKEMAKE = [block for block in BLOCKS if block.language == "snakemake"]


@pytest.mark.parametrize("block", SNAKEMAKE, ids=str)
def test_a_workflow_is_planned(block, checkout, tmp_path):
    (tmp_path / "Snakefile").write_text(block.code.replace("path/to/gradflow", str(checkout)), encoding="utf-8")
    planned = pending(tmp_path, "--configfile", str(checkout / "config" / "smoke.yaml"))
    assert planned["gradflow_train"] == 12 and planned["gradflow_summary"] == 1


def test_commands_in_running_text_have_the_options_that_there_are():
    found = [
        (page, span) for page, span in documents.spans() if re.match(r"(\w+=\S+ )*(make|snakemake|gradflow) ", span)
    ]
    for page, span in found:
        words = [word for word in re.sub(r"^(\w+=\S+ )+", "", written_in_full(span)).split() if word != "s1234"]
        if words[0] == "make":
            assert words[1] in TARGETS, (page, span)
        elif words[0] == "snakemake" and "--help" not in words:
            get_argument_parser().parse_args(shlex.split(" ".join(words[1:])))
        elif words[0] == "gradflow" and not {*words[1:]} <= {"layers", "profile", "explore", "data", "inspect"}:
            command_parser().parse_args(words[1:])
    assert len(found) > 50
