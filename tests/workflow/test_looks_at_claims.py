"""Looks at the claims in the workflow: which trainings are added, and that all others stay as they are."""

import json

import pytest
import yaml

from conftest import assert_same_science, pending, snakemake
from gradflow.analysis.tables import read_table
from gradflow.training.result import read_result

SMOKE = ["--configfile", "config/smoke.yaml"]


@pytest.fixture
def looking(done):
    """The arguments that lay looks over the finished smoke run, which has the random seeds of the first."""
    (done / "looks.yaml").write_text(yaml.safe_dump({"scale": {"seeds": [2, 3]}}))
    return [*SMOKE, "looks.yaml"]


def test_only_arms_by_which_a_claim_is_open_are_trained_with_more_random_seeds(done, looking):
    before = {path: path.stat().st_mtime_ns for path in done.glob("results/runs/*/norms.npz")}
    plan = pending(done, *looking)
    assert plan["look"] == 1 and "train" not in plan, "what is trained after a look is not known before it"
    ran = snakemake(done, "tables", "--cores", "2", *looking)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    opened = json.loads((done / "results" / "looks" / "2.json").read_text())
    new = set(done.glob("results/runs/*/norms.npz")) - before.keys()
    arms = read_table(done / "results" / "tables", "arms")
    later = arms[arms["look"] == 3]
    assert opened and {path.parent.name for path in new} == set(later["run"])
    assert {(row.study, row.label) for row in later.itertuples()} == {tuple(arm) for arm in opened}
    assert all(path.stat().st_mtime_ns == written for path, written in before.items())
    assert "tables" not in pending(done, *looking) and "train" not in pending(done, *looking)


def test_exactly_what_is_missing_is_trained(done):
    missing = sorted(done.glob("results/runs/*/norms.npz"))[5]
    was = read_result(missing)
    missing.unlink()
    assert pending(done, *SMOKE)["train"] == 1
    (done / "more.yaml").write_text(yaml.safe_dump({"scale": {"seeds": 3}}))
    assert pending(done, *SMOKE, "more.yaml")["train"] == 1 + 4, "a new random seed of each arm but vgg_depth's two"
    ran = snakemake(done, str(missing.relative_to(done)), "--cores", "1", *SMOKE)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert_same_science(was, read_result(missing))
