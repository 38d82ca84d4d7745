"""The house keeps its order: imports run down, files stay small, a name means one thing, nothing stands there twice."""

import ast
import json
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from conftest import ROOT

LIBRARY = ROOT / "workflow" / "scripts" / "gradflow"
MODULES = sorted(LIBRARY.rglob("*.py"))
# From the spine up; what stands together may import each other.
FLOORS = (
    ("errors", "extras", "files", "runs", "folders", "causes", "colours", "builders", "thresholds"),
    ("recorder",),
    ("models",),
    ("data",),
    ("training",),
    ("config", "studies", "labels"),
    ("propagation",),
    ("analysis",),
    ("report",),
    ("runtime",),
    ("cli", "__main__", "command_page"),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# Files of these folders are alike, and are found by what each of them defines.
ALIKE = ("analysis/claims/evidence", "data/sources", "report/figures", "report/given")
SIX = 6  # lines that may not stand in two places
FOLDERS = ("workflow", "tests", "bench", "docs", "report", "config", "envs", "profiles")
FILES = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()] + [
    ROOT / "README.md",
    ROOT / "config.yaml",
]


def room(module: str) -> str:
    return module.split(".")[0]


def imported(path: Path) -> set[str]:
    """The modules of the library that a file imports anywhere, without `gradflow.` before them."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("gradflow.") for name in found if name.startswith("gradflow.")}


def test_every_room_has_its_floor():
    assert {room(path.relative_to(LIBRARY).parts[0].removesuffix(".py")) for path in MODULES} <= {*FLOOR, "__init__"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_imports_run_down_and_none_goes_to_the_runtime(path):
    own = path.relative_to(LIBRARY).parts[0].removesuffix(".py")
    for module in imported(path):
        theirs = room(module)
        if own == "__init__" or theirs not in FLOOR:  # the face of the library; a name of its own
            continue
        assert FLOOR[theirs] <= FLOOR[own], f"{own} imports {module}, which lies above it"
        assert theirs != "runtime" or own in ("runtime", "cli", "__main__"), f"{own} imports {module}"


def test_snakemake_is_known_to_the_runtime_and_the_workflow_alone():
    users = {
        path.relative_to(LIBRARY).parts[0]
        for path in MODULES
        if re.search(r"^\s*(import|from) snakemake", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert users <= {"runtime"}


def test_no_python_file_is_long():
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in FILES if path.suffix == ".py"}
    assert len(lines) > 100 and {name: count for name, count in lines.items() if count > 250} == {}


def test_a_module_says_first_what_it_is():
    missing = [path for path in MODULES if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert missing == []


def test_a_name_of_a_function_or_class_has_one_meaning():
    homes = defaultdict(list)
    for path in MODULES:
        folder = str(path.relative_to(LIBRARY).parent)
        if folder in ALIKE and path.name != "__init__.py":
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                homes[node.name].append(str(path.relative_to(LIBRARY)))
    homes.pop("__getattr__", None)
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def test_no_six_lines_stand_in_two_places():
    runs = Counter()
    for path in MODULES:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        lines = [line for line in lines if line and not line.startswith(("#", "import ", "from "))]
        runs.update({"\n".join(lines[start : start + SIX]) for start in range(len(lines) - SIX + 1)})
    assert [run for run, count in runs.items() if count > 1] == []


def without_encoding(code: str) -> list[str]:
    """The calls in a program that read or write text and do not say its encoding."""
    found = []
    for call in (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)):
        said, function = ast.unparse(call), ast.unparse(call.func)
        text = function.endswith((".read_text", ".write_text")) or function in ("open", "os.fdopen")
        text |= any(ast.unparse(word) == "text=True" for word in call.keywords)
        known = "encoding=" in said or re.search(r"'[rwax][+]?b", said) or function.startswith("distribution.")
        if text and not known:
            found.append(said)
    return found


def test_text_is_read_and_written_with_its_encoding():
    """Where the locale is C, Python would take it for ASCII."""
    kinds = (".py", ".smk", ".ipynb")
    code = {
        path: path.read_text(encoding="utf-8") for path in FILES if path.suffix in kinds and "tests" not in path.parts
    }
    cells = json.loads(code[ROOT / "report" / "analysis.ipynb"])["cells"]
    code[ROOT / "cells.py"] = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    rules = "\n".join(text for path, text in code.items() if path.suffix == ".smk")
    found = [said for path, text in code.items() if path.suffix == ".py" for said in without_encoding(text)]
    assert found + re.findall(r".*[.](?:read|write)_text\((?!.*encoding=).*|.*text=True.*", rules) == []


# Words that the field has better ones for, and where they do mean what they say.
WORDS = {
    r"\bprobe": ("probes", '"probe"', "`probe`"),  # names of earlier versions, which are refused
    r"\bmoments?\b": ("Adam", "random moment", "in a moment", "any moment", "good_moments", '"moment"'),
    r"\b[Ss]eed 00\d": (),
    r"\b[Tt]he seeds?'": (),
    r"\b[Tt]ake[ns]? up\b": (),
    r"\btold from (none|no change)\b": (),
    r"\bin the place of\b": (),
    r"\blet(s|ting)? go\b": (),
    r"\bclass Interval\b": (),
}
PAGES = [
    path
    for path in FILES
    if path.suffix in (".py", ".smk", ".md", ".rst", ".yaml", ".ipynb") and path != Path(__file__)
]


@pytest.mark.parametrize("word", WORDS)
def test_the_fields_words_are_used(word):
    found = []
    for path in PAGES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if re.search(word, line) and not any(meant in line for meant in WORDS[word]):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert found == []
