"""The data dictionary says every column of every table, and nothing of a column that there is not."""

from conftest import ROOT
from gradflow.analysis.dictionary import MEANINGS, dictionary, meaning
from gradflow.analysis.schemas import TABLES

COLUMNS = [(table, column) for table, its in TABLES.items() for column in its.columns]


def test_every_column_has_a_meaning():
    assert [pair for pair in COLUMNS if not meaning(*pair)[0].strip()] == []


def test_nothing_is_said_of_a_column_that_there_is_not():
    assert MEANINGS.keys() - {column for _, column in COLUMNS} - {".".join(pair) for pair in COLUMNS} == set()


def test_the_page_is_up_to_date():
    page = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert page == dictionary(), "make reference writes docs/tables.md anew"
