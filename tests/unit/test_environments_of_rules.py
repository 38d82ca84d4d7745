"""What a rule's script imports is in the conda environment that the rule names, none of it by luck."""

import ast
import json
import re
import sys
from importlib.metadata import packages_distributions

import pytest
import yaml

from conftest import ROOT
from gradflow.report.figures import figures

SCRIPTS = ROOT / "workflow" / "scripts"
RULE = re.compile(r"^ *(?:rule|checkpoint) ?(\w*):\n(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
CONDA = re.compile(r'conda:\s+"../../(envs/\w+\.yaml)"')
SCRIPT = re.compile(r'script:\s+"../scripts/(\w+\.py)"')
DISTRIBUTIONS = packages_distributions()


def rules():
    """{rule: (its environment's file, its script)}, of the rules that have a script; figures' have no name here."""
    text = "\n".join(path.read_text() for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")))
    found = {name: (CONDA.search(body), SCRIPT.search(body)) for name, body in RULE.findall(text)}
    return {name or "figure": (conda and conda[1], script[1]) for name, (conda, script) in found.items() if script}


def imported(source: str) -> set[str]:
    """The modules that a source may import, those in functions too; not those for type checkers alone."""
    names, pending = set(), [ast.parse(source)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending += node.orelse
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        pending += ast.iter_child_nodes(node)
    return names


def file_of(module: str):
    path = SCRIPTS.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def third_party(source: str) -> dict[str, str]:
    """{top-level package: a module that imports it} of all that a source may import, through gradflow in turn."""
    pending, seen, found = [("the script", source)], set(), {}
    while pending:
        where, text = pending.pop()
        for name in imported(text):
            top = name.split(".")[0]
            if top == "gradflow" and name not in seen and file_of(name).exists():
                seen.add(name)
                pending.append((name, file_of(name).read_text()))
            elif top != "gradflow" and top not in sys.stdlib_module_names:
                found.setdefault(top, where)
    return found


def code_beside(rule: str) -> str:
    """What a rule runs beside its script: the notebook's cells, or the modules of every figure, imported by name."""
    if rule == "figure":
        return "\n".join(f"import {module}" for kind in figures().values() for module in kind.code)
    return code_of_the_notebook() if rule == "notebook" else ""


def code_of_the_notebook() -> str:
    cells = json.loads((ROOT / "report" / "analysis.ipynb").read_text())["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


@pytest.mark.parametrize("rule", rules())
def test_a_rules_environment_has_what_its_script_imports(rule):
    environment, script = rules()[rule]
    assert environment, f"the rule {rule} names no environment"
    parts = yaml.safe_load((ROOT / environment).read_text())["dependencies"]
    pins = {pin.split("==")[0].lower() for part in parts if isinstance(part, dict) for pin in part["pip"]}
    source = (SCRIPTS / script).read_text() + code_beside(rule)
    lacking = {
        package: where
        for package, where in third_party(source).items()
        if not pins & {name.lower() for name in DISTRIBUTIONS.get(package, ())}
    }
    assert lacking == {}, f"{environment} lacks what {rule} imports"


def test_every_rule_with_a_script_is_looked_at():
    scripts = {script for _, script in rules().values()}
    assert scripts == {path.name for path in SCRIPTS.glob("*.py")} - {"plan.py", "student.py"}
