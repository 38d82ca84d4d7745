"""The claims file: the shipped one names what there is, and a wrong one is refused in one sentence."""

from dataclasses import asdict

import pandas as pd
import pytest
import torch
import yaml

from conftest import ROOT
from gradflow import GradflowError, studies
from gradflow.analysis.claims.evidence import with_settings
from gradflow.analysis.claims.schema import read_claims
from gradflow.config import configuration
from gradflow.models.build import build
from gradflow.models.catalogue import CATALOGUE
from gradflow.recorder.layers import CONV_AND_LINEAR
from synthetic import claim, vanishes

SHIPPED = ROOT / "report" / "claims.yaml"


def test_every_shipped_claim_names_arms_that_the_full_configuration_has():
    """No claim is undecided because it is misspelt: each arm it names is one arm of config/full.yaml."""
    plan = studies.expand(configuration.read_configuration(ROOT / "config.yaml", ROOT / "config" / "full.yaml"))
    arms = {
        study.name: pd.DataFrame([asdict(arm.runs[0]) | {"label": arm.label} for arm in study.arms]) for study in plan
    }

    def matching(name, settings):
        return list(with_settings(arms[name], settings)["label"])

    def layers_of(name, settings):
        run = next(arm.runs[0] for study in plan for arm in study.arms if arm.label == matching(name, settings)[0])
        with torch.device("meta"):
            model = build(run.architecture, classes=10, image_size=run.image_size, **run.model_options)
        return {layer for layer, module in model.named_modules() if isinstance(module, CONV_AND_LINEAR)}

    tests = [test for one in read_claims(SHIPPED) for test in one["tests"] if "study" in test]
    assert len(tests) > 40
    for test in tests:
        assert len(matching(test["study"], test["arm"])) == 1, test
        other = test["arm"] | test.get("minus", {}).get("arm", {})
        assert len(matching(test.get("minus", {}).get("study", test["study"]), other)) == 1, test
        assert set(test.get("with", {}).get("layers", [])) <= layers_of(test["study"], test["arm"]), test


def test_the_networks_of_tests_by_theory_are_in_the_default_survey():
    surveyed = configuration.read_configuration(ROOT / "config.yaml")["initial_survey"]["inits"]
    tests = [test["theory"] for one in read_claims(SHIPPED) for test in one["tests"] if "theory" in test]
    assert tests
    for network in tests:
        assert network["init"] in surveyed and network["image_size"] == CATALOGUE[network["architecture"]].source_size


def test_the_shipped_claims_are_those_of_the_five_notebooks_and_the_literature():
    split = {3: ["C3a", "C3b"], 20: ["C20a", "C20b"]}
    expected = [name for number in range(1, 25) for name in split.get(number, [f"C{number}"])]
    assert [one["id"] for one in read_claims(SHIPPED)] == expected


def test_a_wrong_claims_file_is_one_sentence(tmp_path):
    for fault, words in [
        ({"says": "n", "study": "s", "arm": {}, "measure": "decadez", "below": 1}, "no measure 'decadez'; there are"),
        ({"says": "n", "study": "s", "arm": {}, "measure": "decades"}, "claims.schema.yaml"),
        ({"says": "n", "study": "s", "arm": {}, "measure": "decades", "bellow": 1}, "bellow"),
        (vanishes(arm={"architektur": "vgg16"}), "'architektur' is no setting of a run"),
        (vanishes(**{"with": {"layers": ["a"]}}), "decades takes no 'layers'; it takes at, quantity"),
        (vanishes(**{"with": {"at": "start"}}), "no phase 'start'; there are init"),
        ({"says": "n", "cost": {"architecture": "vgg16"}, "measure": "parameters", "below": 1}, "parameters_full"),
        (
            {"says": "n", "depth_at_init": {"depth": 8}, "measure": "loss", "below": 1},
            "no measure 'loss' of the table depth_at_init",
        ),
        (
            {"says": "n", "theory": {"init": "he", "width": 1}, "measure": "padding", "below": 1},
            "'width' does not tell surveyed networks apart",
        ),
        (
            {"says": "n", "theory": {"init": "he"}, "measure": "decades", "below": 1},
            "no measure 'decades' of the table init",
        ),
        ({"says": "n", "depth_at_init": {"depth": 8}, "below": 1}, "'measure' is a required property"),
        (
            vanishes(minus={"arm": {"activation": "elu"}}, below=0),
            "of a difference has the bound 0: give it its smallest effect of interest",
        ),
        (vanishes(over={}), "'over' was unexpected"),
        (vanishes(arm={"kernel": [3, 5]}), r"\[3, 5\] is not of type 'string', 'number', 'boolean', 'null'"),
        (vanishes(depth_at_init={"depth": 8}), "Additional properties are not allowed"),
        (
            {"says": "n", "measure": "decades", "below": 1},
            "'n' asks for no evidence; give it one of cost, depth_at_init, random_mlps, theory, study",
        ),
    ]:
        path = tmp_path / "claims.yaml"
        path.write_text(yaml.safe_dump(claim(fault)))
        with pytest.raises(GradflowError, match=words):
            read_claims(path)


@pytest.mark.parametrize(("old", "new"), [("probe", "depth_at_init"), ("draws", "random_mlps")])
def test_a_key_of_an_earlier_version_is_refused_with_its_new_name(tmp_path, old, new):
    shipped = SHIPPED.read_text()
    assert f" {new}: {{" in shipped
    for count in (1, -1):  # the first place, where a test is of that kind; everywhere, also under `minus`
        (tmp_path / "claims.yaml").write_text(shipped.replace(f" {new}: {{", f" {old}: {{", count))
        with pytest.raises(GradflowError, match=f"'{old}' is called '{new}' now; rename the key"):
            read_claims(tmp_path / "claims.yaml")


def test_a_claim_that_stands_there_twice_is_refused(tmp_path):
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(claim(vanishes()) * 2))
    with pytest.raises(GradflowError, match="X stands there twice"):
        read_claims(tmp_path / "claims.yaml")
