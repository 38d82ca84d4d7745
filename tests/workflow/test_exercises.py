"""The exercises of docs/teaching.md: each can be run as its page says, and its solution is about what it runs."""

import pytest
import yaml

from conftest import ROOT, pending, snakemake
from documents import BLOCKS, filled_in
from gradflow import studies
from gradflow.analysis.claims.evidence import baseline
from gradflow.analysis.claims.schema import read_claims
from gradflow.analysis.tables import read_table
from gradflow.config import configuration

EXERCISES = sorted(path.parent.name for path in (ROOT / "exercises").glob("*/overlay.yaml"))
IMAGES_AN_EXERCISE_MAY_TRAIN = 100_000  # two minutes on two cores


def configured(name):
    return configuration.read_configuration(ROOT / "config.yaml", ROOT / "exercises" / name / "overlay.yaml")


@pytest.mark.parametrize("name", EXERCISES)
def test_a_dry_run_plans_the_overlay_with_the_solution(name, workflow):
    runs = studies.distinct_runs(studies.expand(configured(name)))
    jobs = pending(workflow, "--configfile", f"exercises/{name}/overlay.yaml")
    assert jobs["train"] == len(runs) and jobs["claims"] == 1 and "memory_format" not in jobs
    assert sum(1257 * run.epochs for run in runs.values()) <= IMAGES_AN_EXERCISE_MAY_TRAIN


@pytest.mark.parametrize("name", EXERCISES)
def test_every_test_of_a_solution_is_about_one_arm_of_its_overlay(name):
    config = configured(name)
    assert config["results"] == f"results/exercises/{name}" and config["claims"] == f"exercises/{name}/claims.yaml"
    arms = [(study.name, arm.runs[0]) for study in studies.expand(config) for arm in study.arms]
    for claim in read_claims(ROOT / config["claims"]):
        for test in [one for both in claim["tests"] for one in (both, baseline(both))]:
            wanted = test.get("arm") or test["depth_at_init"]
            if "arm" in test:
                there = [run for study, run in arms if study == test["study"] and has(run, wanted)]
                assert len(there) == 1, test
            else:
                assert wanted["depth"] in config["depth_at_init"]["depths"], test


def has(run, wanted) -> bool:
    return all(getattr(run, name) == value for name, value in wanted.items())


@pytest.mark.parametrize("name", EXERCISES)
def test_the_test_that_a_page_begins_is_one_once_its_region_is_filled_in(name, tmp_path):
    (begun,) = (block for block in BLOCKS if block.page == f"exercises/{name}/README.md" and block.language == "yaml")
    filled = filled_in(begun.code)
    (tmp_path / "my_claims.yaml").write_text(filled, encoding="utf-8")
    assert filled != begun.code and read_claims(tmp_path / "my_claims.yaml")[0]["id"] == "M1"


def test_an_exercise_settles_its_solution(workflow):
    """For real the one that trains nothing: what trains is the smoke run's, and takes minutes."""
    ran = snakemake(
        workflow,
        *("results/exercises/batch_norm/tables/claims.parquet", "--cores", "2"),
        *("--configfile", "exercises/batch_norm/overlay.yaml"),
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    claims = read_table(workflow / "results/exercises/batch_norm/tables", "claims")
    assert set(claims["verdict"]) == {"supported"} and len(claims) == 4


def test_what_is_wrong_in_a_claims_file_of_ones_own_is_said_before_anything_runs(workflow):
    arm = {"study": "adam", "arm": {"optimizer": "adam"}, "measure": "acuracy", "above": 0.5}
    wrong = [{"id": "M1", "source": "me", "claim": "Adam learns.", "tests": [{"says": "accuracy"} | arm]}]
    (workflow / "my_claims.yaml").write_text(yaml.safe_dump(wrong))
    refused = snakemake(
        workflow, "-n", "--configfile", "exercises/adam/overlay.yaml", "--config", "claims=my_claims.yaml"
    )
    said = refused.stdout + refused.stderr
    assert refused.returncode != 0 and "my_claims.yaml: M1: no measure 'acuracy'" in said and "Traceback" not in said
