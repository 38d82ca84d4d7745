"""What lies in a folder is found; a file that does not belong there is named in one sentence."""

import sys

import pytest

from gradflow import GradflowError, folders


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A folder of things, as a package of the library."""
    folder = tmp_path / "things"
    folder.mkdir()
    for name, text in {"__init__": "", "b": "THING = 2", "a": "THING = 1"}.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.setattr(folders, "ROOT", tmp_path)
    import gradflow

    monkeypatch.setattr(gradflow, "__path__", [*gradflow.__path__, str(tmp_path)])
    yield folder
    for name in [name for name in sys.modules if name.startswith("gradflow.things")]:
        del sys.modules[name]


def test_every_file_of_a_folder_is_found_by_its_name(package):
    assert folders.found_in("gradflow.things", "THING") == {"a": 1, "b": 2}


def test_files_are_listed_without_running_them(package):
    (package / "c.py").write_text("raise RuntimeError")
    assert folders.modules("gradflow.things") == ["gradflow.things.a", "gradflow.things.b", "gradflow.things.c"]


@pytest.mark.parametrize("text", ["", "THING = (", "import nowhere"], ids=["nothing", "no Python", "no such import"])
def test_a_file_that_defines_nothing_is_named(package, text):
    (package / "c.py").write_text(text)
    with pytest.raises(GradflowError, match=r"things.c.py: .*; each file of its folder must define THING: mend it"):
        folders.found_in("gradflow.things", "THING")
    assert folders.defined("gradflow.things.a", "THING") == 1
