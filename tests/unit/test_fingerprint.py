"""Code fingerprints: comments and docstrings change nothing, code does, and only where it is used."""

import shutil

import pytest

from gradflow import fingerprint


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A copy of the library to edit."""
    copy = shutil.copytree(fingerprint.ROOT, tmp_path / "gradflow")
    monkeypatch.setattr(fingerprint, "ROOT", copy)
    return copy


def prints():
    fingerprint._parse.cache_clear()
    return {
        m: fingerprint.code_fingerprint(f"gradflow.{m}") for m in ("training", "tables", "figures.timelines", "answers")
    }


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_comments_docstrings_and_layout_change_nothing(library):
    before = prints()
    for path in library.rglob("*.py"):
        path.write_text("# a comment\n\n" + path.read_text() + "\n\n# another\n")
    edit(library / "training.py", '"""Train one run', '"""Trains a single run')
    assert prints() == before


def test_code_changes_what_uses_it_and_nothing_else(library):
    before = prints()
    edit(library / "rows.py", "ROWS_ON_DEVICE = 1024", "ROWS_ON_DEVICE = 512")
    after = prints()
    assert {m for m in before if before[m] != after[m]} == {"training"}
    edit(library / "figures" / "timelines.py", "alpha=0.6", "alpha=0.7")
    edit(library / "labels.py", '"VGG-16"', '"VGG 16"')
    last = prints()
    assert {m for m in before if after[m] != last[m]} == {"figures.timelines", "answers"}


def test_imports_inside_functions_and_packages_are_followed(library):
    before = fingerprint.code_fingerprint("gradflow.models")
    fingerprint._parse.cache_clear()
    edit(library / "models" / "vgg.py", "VGG38 = stages(4, 4, 9, 9, 9)", "VGG38 = stages(4, 4, 9, 9, 8)")
    assert fingerprint.code_fingerprint("gradflow.models") != before


def test_a_source_is_in_its_own_data_sets_fingerprint_and_in_no_training(library):
    def fingerprints():
        fingerprint._parse.cache_clear()
        sources = [f"gradflow.data.sources.{name}" for name in ("digits", "cifar10")]
        prepared = [fingerprint.code_fingerprint("gradflow.data.preparation", source) for source in sources]
        return [*prepared, fingerprint.code_fingerprint("gradflow.training", "gradflow.devices")]

    before = fingerprints()
    edit(library / "data" / "sources" / "digits.py", "255 / 16", "254 / 16")
    (library / "data" / "sources" / "new.py").write_text("SOURCE = None\n")
    assert [old == new for old, new in zip(before, fingerprints())] == [False, True, True]
