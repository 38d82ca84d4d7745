"""A student's homework: by the hash of an ID, a variant of one study and random seeds that nobody else has."""

import hashlib
import json
from dataclasses import dataclass

import yaml

from gradflow.errors import GradflowError

RANDOM_SEEDS = 3
APART = 100  # between the first random seeds of two students; at initialisation there are more of them than are trained
STUDENTS = 20_000_000  # as many first random seeds as scale.first_seed allows


@dataclass(frozen=True)
class Homework:
    """What an ID comes to: a name of 8 hex digits, the name of its variant, and its first random seed."""

    name: str
    variant: str
    first_seed: int

    @property
    def results(self) -> str:
        """The folder of its results; its overlay lies beside it, as a .yaml."""
        return f"results/students/{self.name}"


def deal(student: str, variants: dict[str, dict]) -> Homework:
    """Return the homework of a student; the same text, but for space around it, has the same at all times.

    Raises GradflowError for an ID without a character.
    """
    text = student.strip()
    if not text:
        raise GradflowError("a homework is dealt out by an ID, and there is none: make student ID=…")
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
    variant = sorted(variants)[int.from_bytes(digest[4:8], "big") % len(variants)]
    return Homework(digest[:4].hex(), variant, 1000 + APART * (int.from_bytes(digest[8:16], "big") % STUDENTS))


def overlay(student: str, exercise: dict) -> str:
    """Return a student's overlay, YAML that says in its comment and its study's title which homework it is.

    exercise: `study`, what all students are asked, and `variants`, a grid of the study for each name.
    """
    homework = deal(student, exercise["variants"])
    last = homework.first_seed + RANDOM_SEEDS - 1
    said = f"variant {homework.variant}, random seeds {homework.first_seed} to {last}"
    study = exercise["study"] | {
        "title": f"{exercise['study']['title']}, {said}",
        "seeds": RANDOM_SEEDS,
        "vary": [exercise["variants"][homework.variant]],
    }
    written = {
        "select": ["homework"],
        "results": homework.results,
        "scale": {"first_seed": homework.first_seed},
        "studies": {"homework": study},
    }
    head = f"# The homework of {json.dumps(student)}: {said}.\n"
    return head + yaml.safe_dump(written, allow_unicode=True, sort_keys=False, width=120)
