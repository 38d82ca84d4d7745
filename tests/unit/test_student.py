"""A student's homework follows from the ID alone, says what it is, and its ID is text wherever it goes."""

import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from conftest import ROOT, environment
from gradflow import GradflowError, studies
from gradflow.config import configuration
from gradflow.config.student import APART, deal, overlay

EXERCISE = yaml.safe_load((ROOT / "exercises" / "variants.yaml").read_text(encoding="utf-8"))
VARIANTS = EXERCISE["variants"]
HOSTILE = 'Zoë O\'Hara; $(shell touch made) `touch made` "$(touch made)" && touch made # \\ %'


def test_the_same_id_has_the_same_homework_on_every_machine():
    dealt = deal("12345", VARIANTS)
    assert (dealt.name, dealt.variant, dealt.first_seed) == ("5994471a", "C", 1566329400)
    assert deal(" 12345\n", VARIANTS) == dealt != deal("12346", VARIANTS)


def test_students_have_random_seeds_of_their_own_and_every_variant_is_dealt():
    dealt = [deal(f"student {number}", VARIANTS) for number in range(400)]
    first = sorted(one.first_seed for one in dealt)
    assert min(after - before for before, after in pairwise(first)) >= APART
    counts = Counter(one.variant for one in dealt)
    assert counts.keys() == VARIANTS.keys() and min(counts.values()) > 25


@given(st.text(min_size=1).filter(str.strip))
def test_any_text_gives_an_overlay_that_says_which_homework_it_is(student):
    text, dealt = overlay(student, EXERCISE), deal(student, VARIANTS)
    written, (head, *_) = yaml.safe_load(text), text.splitlines()
    said = f"variant {dealt.variant}, random seeds {dealt.first_seed} to {dealt.first_seed + 2}"
    assert head.startswith("# ") and head.isascii() and said in head
    assert said in written["studies"]["homework"]["title"] and written["scale"] == {"first_seed": dealt.first_seed}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_two_small_networks(variant, tmp_path):
    student = next(name for name in map(str, range(1000)) if deal(name, VARIANTS).variant == variant)
    (tmp_path / "homework.yaml").write_text(overlay(student, EXERCISE), encoding="utf-8")
    (study,) = studies.expand(configuration.read_configuration(ROOT / "config.yaml", tmp_path / "homework.yaml"))
    first = deal(student, VARIANTS).first_seed
    assert [[run.seed - first for run in arm.runs] for arm in study.arms] == [[0, 1, 2], [0, 1, 2]]


def test_an_empty_id_is_refused():
    with pytest.raises(GradflowError, match="dealt out by an ID, and there is none"):
        deal(" \n", VARIANTS)


def test_make_hands_an_id_on_as_text(tmp_path):
    """Neither make nor a shell runs any part of it, whether it comes as make's variable or from the environment."""
    for name in ("workflow", "exercises"):
        (tmp_path / name).symlink_to(ROOT / name)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    command = ["make", "-o", ".venv/ready", "-f", ROOT / "Makefile", "student"]
    for arguments, added in (([f"ID={HOSTILE}"], {}), ([], {"ID": HOSTILE})):
        ran = subprocess.run([*command, *arguments], cwd=tmp_path, env=environment() | added, capture_output=True)
        assert ran.returncode == 0, ran.stderr
        written = tmp_path / "results" / "students" / f"{deal(HOSTILE, VARIANTS).name}.yaml"
        assert written.read_text() == overlay(HOSTILE, EXERCISE) and not (tmp_path / "made").exists()
        written.unlink()
