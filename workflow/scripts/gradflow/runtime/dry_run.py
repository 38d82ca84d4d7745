"""What Snakemake's dry run says, in short: which jobs are new, why the others run again, how long training may take."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gradflow.runtime.estimates import Expected, hours

NEW = "new"
TARGETS = ("all", "runs")  # rules that only gather what others make
# Snakemake's reasons, by how they begin, strongest first; a job is counted under its first.
REASONS = {
    "Forced execution": "forced",
    "Missing output files": NEW,
    "Incomplete output files": "cut off while they were made",
    "Code has changed": "their script has changed",
    "Params have changed": "their settings, or code of the library that they use, have changed",
    "Software environment": "their software environment has changed",
    "Set of input files": "they have other inputs",
    "Updated input files": "an input file is newer",
    "Input files updated by another job": "what they read is made anew",
    "Rules with": "always",
}


class Job(NamedTuple):
    """A job of a dry run: its rule, the value of its wildcard `run` if it has one, and why it runs."""

    rule: str
    run: str | None
    reason: str


def read_jobs(said: str) -> list[Job]:
    """Return the jobs of a dry run from what `snakemake --dry-run` printed, without --quiet."""
    jobs = []
    for block in re.split(r"^(?:local)?(?:rule|checkpoint) (?=\w+:$)", said, flags=re.MULTILINE)[1:]:
        rule = block.split(":", 1)[0]
        if rule in TARGETS:
            continue
        run = re.search(r"^    wildcards: .*?\brun=([^,\s]+)", block, re.MULTILINE)
        reason = re.search(r"^    reason: (.*)$", block, re.MULTILINE)
        jobs.append(Job(rule, run and run[1], _why(reason[1] if reason else "")))
    return jobs


def jobs_in_words(
    jobs: list[Job],
    expected: dict[str, Expected],
    gpu: int,
    later: Iterable[str] = (),
    sizes: Mapping[str, float] = {},
    states: Mapping[str, float] = {},
) -> str:
    """Say how many jobs of each rule are new, why the others run again, and how long training may take; one line each.

    expected: {run id: what is expected of its training}. later: runs that there may be after a look at the claims.
    sizes: {run id: bytes of its result}. states: {run id: bytes of the state that it keeps, 0 if it can keep none}.
    """
    if not jobs:
        return "Everything is done: no job would run."
    lines = [f"{len(jobs)} job{'s' * (len(jobs) > 1)} would run:"]
    for rule, count in Counter(job.rule for job in jobs).items():
        reasons = Counter(job.reason for job in jobs if job.rule == rule)
        new = [f"{reasons.pop(NEW)} {NEW}"] if NEW in reasons else []
        again = [f"{number} again: {reason}" for reason, number in reasons.most_common()]
        lines.append(f"{count:6d} {rule}: {'; '.join(new + again)}")
    training = [expected[job.run] for job in jobs if job.rule == "train" and job.run in expected]
    took = hours(training, gpu).removeprefix("; ")
    lines += [f"{took[:1].upper()}{took[1:]}."] * bool(took)
    worst = [*(job.run for job in jobs if job.rule == "train" and job.run in expected), *later]
    if later:
        took = hours([expected[run] for run in worst], gpu)
        lines += [f"In the worst case, with every claim open at every look, {len(worst)} trainings{took}."]
    size = sum(sizes.get(run, 0) for run in worst)
    lines += [f"The results need up to {size / 1e6:,.0f} MB of disk."] * (size >= 1e6)
    kept = [states[run] for run in worst if run in states]
    if kept:
        without = f"; {kept.count(0)} with a cosine schedule keep none" * (0 in kept)
        lines.append(f"The states that are kept need about {math.ceil(sum(kept) / 1e6):,} MB more{without}.")
    return "\n".join(lines)


def _why(reason: str) -> str:
    return next((said for start, said in REASONS.items() if start in reason), reason or "no reason given")
