"""What a plan will take: known by records where there are any, and each job's reason said."""

from dataclasses import replace

import pytest

from gradflow.runs import Run
from gradflow.runtime.dry_run import REASONS, jobs_in_words, read_jobs
from gradflow.runtime.estimates import ALIKE, FLOPS, RECORDED, SECONDS_TO_START, Expected, expect, hours

RUN = Run("vgg16", "digits", "digits", 32, seed=0, width=0.25)
TWIN, OTHER = replace(RUN, seed=1), replace(RUN, architecture="vgg19")
WORK = {RUN.id: 1e12, TWIN.id: 1e12, OTHER.id: 3e12}
SAID = f"""
rule random_mlps:
    output: results/mlp/depth5-width10.npz
    reason: Params have changed since last execution: before: 'a' now: 'b'
    wildcards: depth=5, width=10

rule train:
    input: results/data/digits/images.npy
    output: results/runs/{RUN.id}/norms.npz
    reason: Missing output files: results/runs/x/norms.npz; Input files updated by another job: results/data/digits
    wildcards: run={RUN.id}
    resources: tmpdir=/tmp

rule train:
    output: results/runs/{OTHER.id}/norms.npz
    reason: Code has changed since last execution
    wildcards: run={OTHER.id}

localrule all:
    input: results/report/analysis.html
    reason: Input files updated by another job: results/report/analysis.html

Job stats:
"""


def test_a_run_is_expected_to_take_what_it_took_its_twin_the_same_and_another_in_proportion_to_its_work():
    found = dict(zip("abc", expect([RUN, TWIN, OTHER], WORK, {RUN.id: 24.0}, gpu=0)))
    assert found["a"] == Expected(24.0, RECORDED, 1e12) and found["b"] == Expected(24.0, ALIKE, 1e12)
    assert found["c"].basis == FLOPS and found["c"].seconds == pytest.approx(SECONDS_TO_START + 3 * 24)


def test_without_records_flops_are_what_is_left_and_without_images_nothing():
    cpu, gpu = (expect([RUN], WORK, {}, device)[0].seconds - SECONDS_TO_START for device in (0, 1))
    assert cpu == pytest.approx(1e12 / 5e10) and gpu == pytest.approx(1e12 / 2e13)
    (unknown,) = expect([RUN], {RUN.id: None}, {}, gpu=0)
    assert unknown.seconds is None and "1 are left out" in hours([unknown], 0)


def test_hours_say_what_they_are_known_by():
    said = hours([Expected(7200, RECORDED, 1e15), Expected(5400, FLOPS, 3.6e17)], gpu=0)
    assert "about 3.5 CPU hours, by the records of 1 and the FLOPs of 1 (on a large recent GPU about 5 hours" in said
    assert "GPU hours, by the records of 1" in hours([Expected(7200, ALIKE, 1e15)], gpu=1)


def test_each_job_is_counted_under_its_rule_and_its_strongest_reason():
    jobs = read_jobs(SAID)
    assert [(job.rule, job.run) for job in jobs] == [("random_mlps", None), ("train", RUN.id), ("train", OTHER.id)]
    expected = {RUN.id: Expected(3600, RECORDED, 1e12), OTHER.id: Expected(3600, FLOPS, 3e12)}
    said = jobs_in_words(jobs, expected, gpu=0).splitlines()
    assert said[0] == "3 jobs would run:"
    assert said[1] == "     1 random_mlps: 1 again: their settings, or code of the library that they use, have changed"
    assert said[2] == "     2 train: 1 new; 1 again: their script has changed"
    assert said[3].startswith("Training them may take about 2 CPU hours")
    assert jobs_in_words([], {}, 0) == "Everything is done: no job would run."


def test_every_reason_of_snakemakes_own_is_understood():
    """Snakemake's words, from its own source: a new version that words them otherwise fails here."""
    import inspect

    from snakemake.jobs import Reason

    source = inspect.getsource(Reason.__str__)
    assert [start for start in REASONS if start not in source] == []
