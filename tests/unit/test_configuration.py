"""The configuration: complete, documented, and refused in one sentence that names the key."""

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from conftest import ROOT
from gradflow import GradflowError, studies
from gradflow.config import configuration
from gradflow.config.schema import SCHEMA
from gradflow.data.sources import all_sources
from gradflow.models.blocks import ACTIVATIONS as MODULES
from gradflow.models.catalogue import CATALOGUE
from gradflow.models.initialization import INITIALIZATIONS
from gradflow.propagation.random_mlps import ACTIVATIONS
from gradflow.runs import Run
from mutations import default, mutated

SHIPPED = [["config.yaml"], *(["config.yaml", f"config/{path.name}"] for path in sorted((ROOT / "config").iterdir()))]


def load(*names):
    return configuration.read_configuration(*(ROOT / name for name in names))


@pytest.mark.parametrize("names", SHIPPED)
def test_every_shipped_configuration_is_accepted(names):
    studies.check_models(studies.expand(load(*names)))


def keys(schema):
    """Every key that a schema describes, with its own schema."""
    for key, part in schema.get("properties", {}).items():
        yield key, part
        yield from keys(part)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from keys(schema["additionalProperties"])


def test_every_key_is_described_and_has_a_default_or_is_required():
    schema = yaml.safe_load(SCHEMA.read_text())
    settings_keys = schema["$defs"]["settings"]["properties"]  # a run's own defaults are Run's
    for key, part in [*keys(schema), *settings_keys.items()]:
        assert part.get("description"), key
    required = {"question", "vary", "sha256", "builder"}
    for key, part in keys(schema):
        assert "default" in part or key in required, key


def test_the_schema_and_the_code_name_the_same_things():
    schema = configuration.schema()
    names = schema["$defs"]["settings"]["properties"]
    derived = {"seed", "source", "image_size", "options"}
    options = set().union(*(entry.options for entry in CATALOGUE.values()))
    assert set(names) == set(Run.__dataclass_fields__) - derived | options
    assert set(names["architecture"]["enum"]) == set(CATALOGUE)
    layers = schema["properties"]["studies"]["additionalProperties"]["properties"]["layers"]
    assert set(layers["properties"]) == set(names["architecture"]["enum"])
    assert set(schema["$defs"]["activation"]["enum"]) == set(MODULES) == set(ACTIVATIONS)
    assert set(schema["$defs"]["init"]["enum"]) == set(INITIALIZATIONS) | {"pretrained"}
    dataset = schema["properties"]["datasets"]["additionalProperties"]["properties"]
    assert dataset["source"]["enum"] == list(all_sources()) == ["cifar10", "digits", "folder", "tiny_imagenet"]


def test_the_default_file_states_the_schemas_defaults():
    config, empty = load("config.yaml"), configuration.complete({})
    for key in empty.keys() - {"select", "datasets", "downloads", "studies"}:
        assert config[key] == empty[key], key
    assert config["datasets"]["digits"] == empty["datasets"]["digits"]


def test_every_key_of_a_source_is_described_and_has_a_default():
    for name, source in all_sources().items():
        for key, part in source.settings.items():
            assert part["description"] and "default" in part, (name, key)


def test_an_overlay_that_changes_a_source_takes_its_keys_away():
    config = default()
    config["datasets"]["dogs_food_vehicles"] |= {"source": "digits", "groups": None}
    assert configuration.complete(config)["datasets"]["dogs_food_vehicles"].keys() == {"source", "size", "drop_damaged"}


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
        (changed(["scale", "epochs"], -1), "scale.epochs is -1; it must be at least 1"),
        (changed(["scale", "epochs"], "many"), "scale.epochs is 'many'; it must be of type integer"),
        (changed(["studies", "skip", "base", "epochs"], 0), "studies.skip.base.epochs is 0"),
        (changed(["studies", "skip", "base", "architecture"], "resnet51"), "did you mean 'resnet50'"),
        (changed(["studies", "vgg_deep", "vary"], [{"architecture": ["vgg99"]}]), "'vgg99'.*choose one of vgg11"),
        (changed(["select"], []), "select is empty"),
        (changed(["select"], ["skipp"]), "select names the study 'skipp'"),
        (changed(["studies", "skip", "vary"], []), "studies.skip.vary is empty"),
        (changed(["studies", "skip", "layers", "resnet50"], ["conv9"]), "names 'conv9', a layer that resnet50 lacks"),
        (changed(["studies", "vgg_deep", "base", "skip"], True), "studies.vgg_deep.skip: vgg_deep has no such option"),
        (changed(["studies", "vgg_deep", "vary"], [{"init": "he"}]), "names no architecture"),
        (changed(["studies", "skip", "base", "dataset"], "cifar"), "uses the data set 'cifar'; choose one of"),
        (changed(["scale", "dataset"], "cifar"), "scale.dataset names 'cifar'"),
        (
            changed(["datasets", "mine"], {"source": "folder", "path": "/no/where"}),
            "datasets.mine: path is '/no/where'",
        ),
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
            "the text '1e-4', not a number; write",
        ),
        (changed(["studies", "skip", "layers", "resnet_50"], ["fc"]), "no key 'resnet_50'; did you mean 'resnet50'"),
        (changed(["studies", "mlp"], {"question": "?", "vary": [{"init": "he"}]}), "studies.mlp is taken"),
        (
            changed(["datasets", "digits", "size"], 16),
            "datasets.digits, whose size is 16, and that does not work: images",
        ),
        (changed(["scale"], None), "scale is None; it must be of type object"),
        (changed(["mlp", "inits"], ["torchvision"]), "mlp.inits"),
    ],
)
def test_bad_input_is_one_sentence_that_names_the_key(config, words):
    with pytest.raises(GradflowError, match=words) as caught:
        studies.check_models(studies.expand(configuration.complete(config)))
    assert "\n" not in str(caught.value)


def test_the_example_of_the_studies_page_runs(tmp_path):
    page = (ROOT / "docs" / "studies.md").read_text()
    block = page.split("    studies:\n")[1].split("\n\n")[0]
    (tmp_path / "example.yaml").write_text("studies:\n" + "\n".join(line[4:] for line in block.splitlines()))
    config = configuration.read_configuration(ROOT / "config.yaml", tmp_path / "example.yaml")
    config["select"] = ["my_study"]
    plan = studies.expand(config)
    studies.check_models(plan)
    assert [arm.label for arm in plan[0].arms][-1] == "VGG-Deep, ReLU, BN"


def test_a_file_that_is_no_yaml_is_named(tmp_path):
    path = tmp_path / "broken.yaml"
    for text in ("a: [", "- 1\n- 2", "\x00"):
        path.write_text(text)
        with pytest.raises(GradflowError, match=r"broken\.yaml"):
            configuration.read_configuration(path)


@pytest.fixture
def networks_are_looked_into_once(monkeypatch):
    """Hundreds of plans have the same networks: what is found of one is remembered."""
    known, look = {}, studies.inspect_network

    def remembered(architecture, options, image_size, channels):
        key = (repr(architecture), image_size, repr(options), channels)
        known[key] = known.get(key) or look(architecture, options, image_size, channels)
        return known[key]

    monkeypatch.setattr(studies, "inspect_network", remembered)


@given(config=mutated())
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mutated_configuration_is_accepted_whole_or_refused_in_one_sentence(config, networks_are_looked_into_once):
    try:
        complete = configuration.complete(config)
        plan = studies.expand(complete)
        if sum(len(study.arms) for study in plan) < 300:  # thousands of arms are sound, and take minutes to look into
            studies.check_models(plan)
    except GradflowError as error:
        assert str(error).startswith("config: ") and "\n" not in str(error)
    else:
        assert yaml.safe_dump(configuration.complete(complete)) == yaml.safe_dump(
            complete
        )  # nothing is left to fill in
