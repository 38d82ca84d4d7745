"""Code fingerprints of users' own networks: their files, what these build of ours, and installed packages."""

import shutil

import pytest

from gradflow import GradflowError
from gradflow.models.catalogue import CATALOGUE, Architecture
from gradflow.runtime import fingerprint
from library_copy import RUN, changed, edit, forget, runs

NET = """
from parts import block
from gradflow.models.blocks import ACTIVATIONS
def net(classes): raise ValueError("no")
"""


@pytest.fixture
def mine(tmp_path):
    """A user's file and its neighbour; a function that returns the fingerprint of its runs."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "net.py").write_text(NET)
    (folder / "parts.py").write_text("def block(): return 1\n")

    def printed(place=folder):
        forget()
        return fingerprint.run_fingerprint(RUN, Architecture(f"{place}/net.py:net"))

    return folder, printed


def test_a_users_file_counts_with_its_neighbours_wherever_it_lies(mine, tmp_path):
    folder, printed = mine
    before = printed()
    edit(folder / "net.py", 'ValueError("no")', 'ValueError("another word")')
    (folder / "unused.py").write_text("x = 1\n")
    assert printed() == before
    assert printed(shutil.copytree(folder, tmp_path / "elsewhere")) == before
    edit(folder / "parts.py", "return 1", "return 2")
    assert printed() != before


def test_a_users_file_that_builds_one_of_ours_depends_on_it(mine, library):
    folder, printed = mine
    (folder / "net.py").write_text("from gradflow import build\ndef net(classes): return build('vgg16', classes=10)")
    before = printed()
    edit(library / "models" / "vgg.py", "side // 2", "side // 3")
    assert printed() != before


def test_an_installed_builder_is_known_by_its_distribution_and_version(monkeypatch):
    entry = Architecture("torchvision.models:mobilenet_v2")
    before = fingerprint.run_fingerprint(RUN, entry)
    assert fingerprint.function_code(entry.builder).startswith("torchvision==")
    monkeypatch.setattr(fingerprint, "_distribution", lambda package: "torchvision==99")
    assert fingerprint.run_fingerprint(RUN, entry) != before


NOWHERE = {"no/such.py:net": "does not exist", "nothere.models:net": "there is no module", "net": "write package"}


@pytest.mark.parametrize(("builder", "words"), NOWHERE.items())
def test_a_builder_that_is_nowhere_is_one_sentence(builder, words):
    with pytest.raises(GradflowError, match=words) as caught:
        fingerprint.run_fingerprint(RUN, Architecture(builder))
    assert "\n" not in str(caught.value)


def test_a_source_is_in_its_own_data_sets_fingerprint_and_in_no_training(library):
    def fingerprints():
        forget()
        sources = [f"gradflow.data.sources.{name}" for name in ("digits", "cifar10")]
        prepared = [fingerprint.code_fingerprint("gradflow.data.prepare", source) for source in sources]
        return [*prepared, fingerprint.run_fingerprint(RUN, CATALOGUE["vgg16"])]

    before = fingerprints()
    edit(library / "data" / "sources" / "digits.py", "255 / 16", "254 / 16")
    (library / "data" / "sources" / "new.py").write_text("SOURCE = None\n")
    assert [old == new for old, new in zip(before, fingerprints())] == [False, True, True]


def test_texts_count_in_a_builder_and_registries_count_not_for_a_users_file(mine, library):
    folder, printed = mine
    edit(library / "models" / "vgg.py", "import torch\n", 'import torch\n\nSAID = "take the long way home"\n')
    forget()
    before = runs()
    edit(library / "models" / "vgg.py", "the long way home", "the short way home")
    assert changed(before, runs()) == {name for name in CATALOGUE if name.startswith("vgg")}
    (folder / "net.py").write_text("from gradflow import build\ndef net(classes): return build('vgg16', classes=10)")
    ours = printed()
    edit(library / "models" / "catalogue.py", '"VGG-13"', '"VGG 13"')
    edit(
        library / "training" / "optimizers.py",
        '"adam": ',
        '"other": Optimizer("torch.optim:Adam", "other", _ADAM),\n    "adam": ',
    )
    assert printed() == ours


def test_the_packages_above_a_users_module_count(tmp_path, monkeypatch):
    package = tmp_path / "ownpackage"
    package.mkdir()
    (package / "__init__.py").write_text("x = 1\n")
    (package / "net.py").write_text("def net(classes): pass\n")
    monkeypatch.syspath_prepend(tmp_path)

    def printed():
        forget()
        return fingerprint.run_fingerprint(RUN, Architecture("ownpackage.net:net"))

    before = printed()
    (package / "__init__.py").write_text("x = 2\n")
    assert printed() != before
