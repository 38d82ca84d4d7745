"""A configuration with something wrong, through the real command line: a plan, or one sentence before any job."""

import os

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings

from conftest import copy_workflow, snakemake
from mutations import mutated

TIMES = int(os.environ.get("GRADFLOW_FAULTS", 6))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return copy_workflow(tmp_path_factory.mktemp("mutated"))


@given(config=mutated())
@settings(max_examples=TIMES, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_snakemake_plans_it_or_refuses_it_in_one_sentence(config, checkout):
    (checkout / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    planned_or_refused(snakemake(checkout, "-n"))


@pytest.mark.parametrize("text", ["a: [", "\tselect: [mlp]", "- 1", "\x00"])
def test_a_file_that_is_no_yaml_stops_before_any_job_without_a_traceback(text, checkout):
    (checkout / "config.yaml").write_text(text)
    ran = snakemake(checkout, "-n")
    assert ran.returncode != 0 and "Config file" in planned_or_refused(ran, ours=False)


def planned_or_refused(ran, ours=True) -> str:
    said = ran.stdout + ran.stderr
    assert "Traceback" not in said, said
    if ran.returncode == 0:
        assert "Job stats:" in said or "Nothing to be done" in said
    elif ours:
        assert len([line for line in said.splitlines() if "config: " in line]) == 1, said
    return said
