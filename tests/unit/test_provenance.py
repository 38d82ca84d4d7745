"""The commit on a result is that of the checkout whose library ran, or none: never that of a repository around it."""

import shutil
import subprocess

import pytest

from conftest import ROOT
from gradflow.runtime.provenance import git_state

NOTHING_KNOWN = {"commit": None, "dirty": None}


def git(folder, *arguments):
    """Run git in a folder, as somebody."""
    somebody = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    ran = subprocess.run(["git", "-C", folder, *somebody, *arguments], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def repository(folder):
    """Make a folder a repository, all of it committed; return the commit."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "a commit")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def checkout(tmp_path):
    """A copy of the library where a checkout has it, in no repository."""
    folder = tmp_path / "around" / "gradflow"
    library = folder / "workflow" / "scripts" / "gradflow"
    shutil.copytree(ROOT / "workflow" / "scripts" / "gradflow", library, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def state(folder):
    return git_state(folder / "workflow" / "scripts" / "gradflow")


def test_a_checkout_has_its_commit_and_an_edit_is_seen(checkout):
    commit = repository(checkout)
    assert state(checkout) == {"commit": commit, "dirty": False}
    (checkout / "workflow/scripts/gradflow/runs.py").write_text("")
    assert state(checkout) == {"commit": commit, "dirty": True}


def test_a_copy_in_no_repository_has_no_commit(checkout):
    assert state(checkout) == NOTHING_KNOWN


@pytest.mark.parametrize("tracked", [False, True], ids=["beside its files", "among its files"])
def test_a_copy_inside_another_repository_does_not_take_its_commit(checkout, tracked):
    if not tracked:
        (checkout.parent / ".gitignore").write_text("gradflow/\n")
    assert repository(checkout.parent)
    assert state(checkout) == NOTHING_KNOWN


def test_a_library_installed_below_another_checkout_does_not_take_its_commit(checkout):
    (checkout / ".gitignore").write_text(".venv/\n")
    repository(checkout)
    installed = checkout / ".venv" / "site-packages" / "gradflow"
    shutil.copytree(checkout / "workflow" / "scripts" / "gradflow", installed)
    assert git_state(installed) == NOTHING_KNOWN


def test_what_a_git_hook_sets_leads_to_no_other_repository(checkout, tmp_path, monkeypatch):
    commit = repository(checkout)
    other = tmp_path / "other"
    other.mkdir()
    repository(other)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert state(checkout) == {"commit": commit, "dirty": False}
