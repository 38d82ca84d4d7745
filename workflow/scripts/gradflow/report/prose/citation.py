"""How to cite a run: its commits, data and versions, and the library's BibTeX."""

import platform
from importlib.metadata import version

import pandas as pd

from gradflow.analysis.study import StudyTables
from gradflow.report.wording import code

PACKAGES = ("numpy", "pandas", "scipy", "matplotlib")


def how_to_cite(studies: list[StudyTables], datasets: list[dict], citation: dict) -> str:
    """Say what made a run: commits, devices, data by fingerprint, versions; and the library's entry for BibTeX.

    citation: what CITATION.cff holds.
    """
    commits, devices = commits_and_devices(studies)
    data = "; ".join(f"{code(facts['name'])} ({code(facts['fingerprint'][:16])})" for facts in datasets)
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    rows = [
        f"- Trained by commit: {', '.join(map(code, commits)) or 'nothing was trained'}{', on ' if devices else ''}"
        f"{', '.join(map(code, devices))}; the packages are those of its `requirements.lock`.",
        f"- Data, by fingerprint: {data or 'none'}.",
        f"- This page was computed with Python {platform.python_version()}, {versions}.",
    ]
    return "\n".join(rows) + f"\n\n```bibtex\n{bibtex(citation, commits)}\n```"


def origin(studies: list[StudyTables], command: str) -> str:
    """Say what a page was made of: the commits, the command with its configuration, the random seeds."""
    commits, _ = commits_and_devices(studies)
    return f"commit {', '.join(commits) or 'unknown'} · {command} · {seeds_in_words(studies)}"


def seeds_in_words(studies: list[StudyTables]) -> str:
    """Say which random seeds were trained, and which were measured at initialisation."""
    trained = {seed for study in studies for seed in study.runs["seed"]}
    every = {seed for study in studies for seed in study.seeds["seed"]}
    beside = f", {_in_short(every)} at initialisation" if every != trained else ""
    return f"random seeds {_in_short(trained)}{beside}" if trained else "no random seed"


def _in_short(numbers: set[int]) -> str:
    """Say whole numbers: those in a row from where to where."""
    ends: list[list[int]] = []
    for number in sorted(numbers):
        if ends and number == ends[-1][-1] + 1:
            ends[-1][1:] = [number]
        else:
            ends.append([number])
    return ", ".join(" to ".join(map(str, dict.fromkeys(some))) for some in ends)


def bibtex(citation: dict, commits: list[str]) -> str:
    """Return the entry of the library at the commits that trained a run."""
    authors = " and ".join(f"{{{author['name']}}}" for author in citation["authors"])
    known = ", ".join(commit for commit in commits if commit != "unknown")
    note = f",\n  note    = {{commit {known}}}" if known else ""
    return (
        f"@software{{gradflow,\n  title   = {{{citation['title']}}},\n  author  = {{{authors}}},\n"
        f"  version = {{{citation['version']}}},\n  year    = {{{str(citation['date-released'])[:4]}}}{note}\n}}"
    )


def commits_and_devices(studies: list[StudyTables]) -> tuple[list[str], list[str]]:
    """Return the commits of the runs, in ten letters, those with uncommitted changes marked; and the devices."""
    if not studies:
        return [], []
    runs = pd.concat([study.runs for study in studies]).drop_duplicates("run")
    changed = runs["dirty"].fillna(False).astype(bool)
    commits = {
        f"{str(commit)[:10]}{' with uncommitted changes' if dirty else ''}"
        for commit, dirty in zip(runs["commit"].fillna("unknown"), changed)
    }
    return sorted(commits), sorted(set(runs["device"].astype(str)))
