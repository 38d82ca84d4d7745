"""The pages that are generated: the data dictionary says every column of every table, and nothing else; quantities,
commands.
"""

import re

from conftest import ROOT
from gradflow.analysis.dictionary import MEANINGS, dictionary, meaning
from gradflow.analysis.quantities_page import quantities_page
from gradflow.analysis.schemas import TABLES
from gradflow.command_page import command_page
from gradflow.recorder.quantities import LABELS

LIBRARY = ROOT / "workflow" / "scripts" / "gradflow"
COLUMNS = [(table, column) for table, its in TABLES.items() for column in its.columns]


def test_every_column_has_a_meaning():
    assert [pair for pair in COLUMNS if not meaning(*pair)[0].strip()] == []


def test_nothing_is_said_of_a_column_that_there_is_not():
    assert MEANINGS.keys() - {column for _, column in COLUMNS} - {".".join(pair) for pair in COLUMNS} == set()


def test_the_page_is_up_to_date():
    page = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert page == dictionary(), "make reference writes docs/tables.md anew"


def test_the_page_of_quantities_is_up_to_date_and_says_of_each_where_it_is():
    page = (ROOT / "docs" / "quantities.md").read_text(encoding="utf-8")
    assert page == quantities_page(), "make reference writes docs/quantities.md anew"
    assert all(f"| `{name}` | {label} |" in page for name, label in LABELS.items())
    assert "derived wherever a result is read, from `weight_norm`, `weight_grad_norm`" in page


def test_the_page_of_the_commands_is_up_to_date_and_names_every_option_and_target():
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert page == command_page(makefile), "make reference writes docs/command-line.md anew"
    targets = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())
    assert set(re.findall(r"^\| `make ([\w-]+)`", page, re.MULTILINE)) == targets
    options = re.findall(r'add_argument\(\s*"(--[\w-]+)"', (LIBRARY / "cli.py").read_text(encoding="utf-8"))
    assert len(options) > 10 and [option for option in options if f"| `{option}" not in page] == []
