"""The configuration: complete, documented, and refused in one sentence that names the key."""

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from conftest import ROOT
from gradflow import GradflowError, studies
from gradflow.config import configuration
from gradflow.config.reference import reference
from gradflow.config.schema import json_schema
from gradflow.data.sources import all_sources
from gradflow.models.blocks import ACTIVATIONS as MODULES
from gradflow.models.catalogue import CATALOGUE
from gradflow.models.initialization import INITIALIZATIONS
from gradflow.propagation.random_mlps import ACTIVATIONS
from gradflow.runs import Run
from mutations import default, mutated

SHIPPED = [
    ["config.yaml"],
    *(["config.yaml", f"config/{path.name}"] for path in sorted((ROOT / "config").glob("*.yaml"))),
]


def load(*names):
    return configuration.read_configuration(*(ROOT / name for name in names))


SEEN, inspect_network = {}, studies.inspect_network


@pytest.fixture(autouse=True)
def networks_are_inspected_once(monkeypatch):
    """Hundreds of plans have the same networks: what is found of one is remembered."""

    def remembered(*network):
        key = repr(network)
        SEEN[key] = SEEN.get(key) or inspect_network(*network)
        return SEEN[key]

    monkeypatch.setattr(studies, "inspect_network", remembered)


@pytest.mark.parametrize("names", SHIPPED)
def test_every_shipped_configuration_is_accepted(names):
    studies.check_models(studies.expand(load(*names)))


def properties(schema):
    """Every key that a JSON schema describes, with its own schema."""
    for section in [schema, *schema["$defs"].values()]:
        for key, part in section["properties"].items():
            yield section, key, part | (schema["$defs"][part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else {})


def test_every_key_is_described_and_has_a_default_or_is_required():
    schema = json_schema()
    for section, key, part in properties(schema):
        assert part.get("description"), key
        elsewhere = section["title"] in ("Settings", "Grid")  # a run's, the network's or scale's
        assert elsewhere or "default" in part or key in section["required"], key


def test_the_schema_and_the_code_name_the_same_things():
    schema = json_schema()["$defs"]
    names = schema["Settings"]["properties"]
    derived = {"seed", "source", "image_size", "channels", "options"}
    options = set().union(*(entry.options for entry in CATALOGUE.values()))
    assert set(names) == set(schema["Grid"]["properties"]) == set(Run.__dataclass_fields__) - derived | options
    assert set(names["architecture"]["enum"]) == set(schema["Layers"]["properties"]) == set(CATALOGUE)
    assert set(names["activation"]["enum"]) == set(MODULES) == set(ACTIVATIONS)
    assert set(names["init"]["enum"]) == set(INITIALIZATIONS) | {"pretrained"}
    sources = [part["properties"]["source"]["enum"] for name, part in schema.items() if name.startswith("Dataset")]
    known = "arrays cifar10 cifar100 digits eurosat fashion_mnist folder function mnist svhn tiny_imagenet"
    assert sources == [[name] for name in all_sources()] == [[name] for name in known.split()]


def test_the_defaults_that_settings_have_are_those_of_a_study_that_says_nothing():
    study = {"question": "?", "vary": [{"architecture": "cifar_resnet"}]}
    (plan,) = studies.expand(configuration.complete({"select": ["bare"], "studies": {"bare": study}}))
    for key, part in json_schema()["$defs"]["Settings"]["properties"].items():
        assert "default" not in part or part["default"] == getattr(plan.runs[0], key), key


@pytest.mark.parametrize("names", SHIPPED)
def test_the_json_schema_takes_every_shipped_configuration(names):
    raw = [yaml.safe_load((ROOT / name).read_text()) for name in names]
    jsonschema.validate(raw[0], json_schema())
    jsonschema.validate(load(*names), json_schema())


def test_the_page_of_every_key_is_up_to_date():
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page == reference(), "make reference writes docs/configuration.md anew"


def test_the_default_file_states_the_schemas_defaults():
    config, empty = load("config.yaml"), configuration.complete({})
    for key in empty.keys() - {"select", "datasets", "downloads", "studies"}:
        assert config[key] == empty[key], key
    assert config["datasets"]["digits"] == empty["datasets"]["digits"]


def test_an_overlay_that_changes_a_source_takes_its_keys_away():
    config = default()
    config["datasets"]["dogs_food_vehicles"] |= {"source": "digits", "groups": None}
    assert configuration.complete(config)["datasets"]["dogs_food_vehicles"].keys() == {
        *("source", "size", "drop_damaged", "training_images")
    }


def changed(path, value):
    config = default()
    part = config
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return config


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (changed(["scale", "epoch"], 5), "scale has no key 'epoch'; did you mean 'epochs'"),
        (changed(["scael"], {}), "no key 'scael'; did you mean 'scale'"),
        (default() | {"probe": {}}, "the top level has no key 'probe'; it is called 'depth_at_init' now: rename it"),
        (changed(["select"], ["skip", "probe"]), "select names 'probe', which is called 'depth_at_init' now"),
        (changed(["select"], ["skip", "skip"]), "select has 'skip' twice"),
        (changed(["studies", "Skip"], {}), "studies has a key that is 'Skip', which .* small letters"),
        (changed(["studies", "vgg_deep", "vary"], [{}]), "studies.vgg_deep.vary.0 is empty"),
        (
            changed(["studies", "kernel", "vary"], [{"kernel": [3, 4]}]),
            "kernel.vary.0.kernel.1 is 4; choose one of 1, 3",
        ),
        (changed(["datasets", "dogs_food_vehicles", "groups"], {"a": ["b"]}), "groups has 1 entry; give it at least 2"),
        (changed(["scale", "epochs"], True), "scale.epochs is True; it must be of type integer"),
        (changed(["scale", "width"], True), "scale.width is True; it must be of type number"),
        (changed(["scale", "width"], 5), "scale.width is 5; it must be at most 4[.]$"),
        (changed(["scale", "epochs"], -1), "scale.epochs is -1; it must be at least 1"),
        (changed(["scale", "epochs"], "many"), "scale.epochs is 'many'; it must be of type integer"),
        (changed(["studies", "skip", "base", "epochs"], 0), "studies.skip.base.epochs is 0"),
        (changed(["studies", "skip", "base", "architecture"], "resnet_50"), "did you mean 'resnet50'"),
        (changed(["studies", "vgg_deep", "vary"], [{"architecture": ["vgg99"]}]), "'vgg99'.*choose one of vgg11"),
        (changed(["select"], []), "select is empty"),
        (changed(["select"], ["skipp"]), "select names the study 'skipp'"),
        (changed(["studies", "skip", "vary"], []), "studies.skip.vary is empty"),
        (changed(["studies", "skip", "layers", "resnet50"], ["conv9"]), "names 'conv9', a layer that resnet50 lacks"),
        (changed(["studies", "vgg_deep", "base", "skip"], True), "studies.vgg_deep.skip: vgg_deep has no such option"),
        (changed(["studies", "vgg_deep", "vary"], [{"init": "he"}]), "names no architecture"),
        (changed(["studies", "skip", "base", "dataset"], "cifar"), "uses the data set 'cifar'; choose one of"),
        (changed(["scale", "dataset"], "cifar"), "scale.dataset names 'cifar'"),
        (changed(["datasets", "mine"], {"source": "arrays"}), "source arrays takes either a path or a download"),
        (changed(["datasets", "mine"], {"source": "function"}), "needs a function; write package.module:function"),
        (changed(["datasets", "mine"], {"source": "function", "function": "f"}), "'f' does not name a function"),
        (changed(["downloads", "mnist_train_images"], {"sha256": "f"}), "mnist_train_images.sha256 is 'f'"),
        (changed(["datasets", "mine"], {"source": "folder"}), "takes either a path or a download"),
        (changed(["datasets", "mine"], {"source": "folder", "download": "zoo"}), "needs downloads.zoo, which is not"),
        (
            changed(["datasets", "cifar10", "path"], "/tmp"),
            "cifar10 has no key 'path'; .* copy .* downloads.cifar10.path",
        ),
        (
            changed(["datasets", "dogs_food_vehicles", "groups"], {"a": ["n1", "n2"], "b": ["n2"]}),
            "groups has 'n2' in two classes",
        ),
        (changed(["datasets", "mine"], {"source": "foldr", "path": "photos"}), "'foldr' .did you mean 'folder'"),
        (changed(["datasets", "digits", "groupz"], None), "datasets.digits has no key 'groupz'"),
        (changed(["downloads", "cifar10", "urls"], ["http://[::1/x"]), "does not have the right form"),
        (
            changed(["datasets", "digits", "groups"], {"a": ["x"], "b": ["y"]}),
            "datasets.digits has no key 'groups'; it takes source, size",
        ),
        (changed(["downloads", "zoo"], {"urls": ["http://a/b.zip"]}), "downloads.zoo lacks a key.*sha256"),
        (changed(["downloads", "zoo"], {"sha256": "0" * 64}), "downloads.zoo has neither urls nor a path"),
        (changed(["downloads", "cifar10", "sha256"], "c58f"), "downloads.cifar10.sha256 is 'c58f'.*sha256sum"),
        (changed(["downloads", "cifar10", "urls"], ["ftp://a/b"]), "does not have the right form. An address"),
        (changed(["downloads"], {}), "needs downloads"),
        (changed(["studies", "vgg_depth", "vary"], [{"architecture": "vgg16", "init": "pretrained"}]), "vgg19 alone"),
        (
            changed(["studies", "vgg_depth", "vary"], [{"architecture": "vgg19", "init": "pretrained"}]),
            "pretrained weights fit vgg19 only with width 1.0",
        ),
        (
            changed(["studies", "vgg_depth", "vary"], [{"architecture": "cifar_resnet", "depth": 9}]),
            "depth: cifar_resnet has 6n . 2 layers",
        ),
        (changed(["device"], "gpu"), "device is 'gpu'"),
        (changed(["studies", "vgg_depth", "base", "momentum"], 0.9), "studies.vgg_depth.momentum: adam takes none"),
        (changed(["scale", "width"], float("nan")), "scale.width is nan; it must be of type number"),
        (changed(["scale", "seeds"], 3.0), "scale.seeds is 3.0; it must be of type integer"),
        (
            changed(["studies", "skip", "base", "learning_rate"], "1e-4"),
            "the text '1e-4'; it must be of type number: write 1e-4 as 1.0e-4",
        ),
        (changed(["studies", "skip", "layers", "resnet_50"], ["fc"]), "no key 'resnet_50'; did you mean 'resnet50'"),
        (changed(["studies", "mlp"], {"question": "?", "vary": [{"init": "he"}]}), "studies.mlp is taken"),
        (
            changed(["datasets", "digits", "size"], 16),
            "datasets.digits, whose size is 16, and that does not work: images",
        ),
        (changed(["scale"], None), "scale is empty; write what it is to be .type object"),
        (changed(["mlp", "inits"], ["torchvision"]), "mlp.inits"),
    ],
)
def test_bad_input_is_one_sentence_that_names_the_key(config, words):
    with pytest.raises(GradflowError, match=words) as caught:
        studies.check_models(studies.expand(configuration.complete(config)))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_yaml_is_named(tmp_path):
    path = tmp_path / "broken.yaml"
    for text in ("a: [", "- 1\n- 2", "\x00"):
        path.write_text(text)
        with pytest.raises(GradflowError, match=r"broken\.yaml"):
            configuration.read_configuration(path)


@given(config=mutated())
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mutated_configuration_is_accepted_whole_or_refused_in_one_sentence(config):
    try:
        complete = configuration.complete(config)
        plan = studies.expand(complete)
        if sum(len(study.arms) for study in plan) < 300:  # thousands of arms are sound, and take minutes to inspect
            studies.check_models(plan)
    except GradflowError as error:
        assert str(error).startswith("config: ") and "\n" not in str(error)
    else:
        assert repr(configuration.complete(complete)) == repr(complete)  # nothing is left to fill in


def test_an_overlay_of_one_study_changes_no_other(tmp_path):
    """Studies that are written alike by an anchor of YAML share nothing that an overlay could reach."""
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(yaml.safe_dump({"studies": {"vgg_deep": {"base": {"epochs": 77}}}}))
    changed = configuration.read_configuration(ROOT / "config.yaml", overlay)
    before = configuration.read_configuration(ROOT / "config.yaml")
    assert changed["studies"].pop("vgg_deep")["base"]["epochs"] == 77 and before["studies"].pop("vgg_deep")
    assert changed == before
