"""A user's own architectures: builders in files and packages, and the section of the configuration that names them."""

import pandas as pd
import pytest

from gradflow import GradflowError, studies
from gradflow.analysis.aggregation import setting_columns
from gradflow.analysis.cost import cost_table
from gradflow.builders import load_builder
from gradflow.config import configuration
from gradflow.config.architectures import known
from gradflow.models.build import build
from gradflow.models.catalogue import Architecture


def test_two_users_files_with_neighbours_of_one_name_do_not_mix(tmp_path):
    for name, size in (("a", 3), ("b", 5)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "net.py").write_text(
            "from torch import nn\nimport sizes\ndef net(classes):\n    import sizes as late\n"
            "    return nn.Sequential(nn.Linear(sizes.SIZE, late.SIZE), nn.Linear(late.SIZE, classes))\n"
        )
        (tmp_path / name / "sizes.py").write_text(f"SIZE = {size}\n")
    for name, size in (("a", 3), ("b", 5), ("a", 3)):
        model = build(Architecture(f"{tmp_path}/{name}/net.py:net"), classes=2)
        assert model[0].in_features == model[0].out_features == size


def test_neighbours_that_are_imported_late_are_a_files_own_and_dataclasses_work(tmp_path):
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom torch import nn\n"
        "@dataclass\nclass Plan:\n    size: int\n"
        "def net(num_classes):\n    from blocks import WIDTH\n    return nn.Linear(Plan(WIDTH).size, num_classes)\n"
    )
    for name, width in (("a", 3), ("b", 7)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "net.py").write_text(text)
        (tmp_path / name / "blocks.py").write_text(f"WIDTH = {width}\n")
    sizes = [build(Architecture(f"{tmp_path}/{name}/net.py:net"), classes=2).in_features for name in "aba"]
    assert sizes == [3, 7, 3]


VALUES = """
from torch import nn
import torch
class Net(nn.Module):
    def __init__(self, classes, channels, act, hidden):
        super().__init__()
        assert [rate.item() for rate in torch.linspace(0, 1, 3)][1] == 0.5
        self.first, self.act = nn.Linear(channels, hidden or 2), act
        self.last = nn.Linear(hidden or 2, classes)
    def forward(self, images):
        return self.last(getattr(torch, self.act or "tanh")(self.first(images.mean((2, 3)))))
"""


def test_options_of_any_kind_come_back_from_the_tables_as_they_were(tmp_path):
    (tmp_path / "net.py").write_text(VALUES)
    entry = {"builder": f"{tmp_path}/net.py:Net", "options": {"act": None, "hidden": None}}
    config = own(entry, act=["sin", None], hidden=[None, 64])
    (study,), entries = studies.expand(config), known(config["architectures"])
    assert len(study.arms) == 4 and studies.check_models([study], entries)  # it looks at values, so on the CPU
    measured = {"step_ms": 1.0, "peak_memory_mb": 1.0, "device": "cpu", "classes": 10}
    rows = [setting_columns(arm.runs[0]) | measured for arm in study.arms]
    table = cost_table(pd.DataFrame(rows), entries)
    assert table["parameters"].tolist() == [38, 906, 38, 906]  # 3·h + h + 10·h + 10
    assert table["network"].tolist() == [arm.label for arm in study.arms]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def net(classes): return 3", "returned a int; a builder returns an nn.Module"),
        ("def net(klasses): pass", "cannot be called with num_classes"),
        ("import nothing_of_that_name", "cannot be imported .ModuleNotFoundError"),
        ("x = 1", "has no function 'net'"),
    ],
)
def test_a_builder_that_does_not_work_is_one_sentence(tmp_path, text, words):
    (tmp_path / "net.py").write_text(text)
    with pytest.raises(GradflowError, match=words):
        build(Architecture(f"{tmp_path}/net.py:net"), classes=2)
    assert load_builder(len) is len


OWN = {"builder": "torchvision.models:resnet18", "options": {"norm_layer": None}}


def own(entry, **settings):
    study = {"question": "?", "vary": [{"architecture": "mine"} | settings]}
    return configuration.complete({"select": ["one"], "architectures": {"mine": entry}, "studies": {"one": study}})


def test_an_installed_network_is_studied_by_the_configuration_alone():
    config = own(OWN)
    (study,) = studies.expand(config)
    looks = studies.check_models([study], known(config["architectures"]))
    assert study.arms[0].runs[0].width is None and study.arms[0].label == "mine"
    assert "layer1.0.conv1" in next(iter(looks.values())).layers


@pytest.mark.parametrize(
    ("entry", "settings", "words"),
    [
        ({"builder": "net"}, {}, "architectures.mine.builder is 'net', which does not have the right form"),
        (OWN | {"options": {"seed": 1}}, {}, "options names 'seed', which every run has|means something else"),
        (OWN | {"options": {"heads": 4}}, {"heads": "four"}, "heads is 'four'; it must be of type integer"),
        (OWN | {"label": "<b>"}, {}, "label is '<b>', which does not have the right form"),
        (OWN | {"options": {"width": 64}}, {}, "options.width is 64; gradflow's width is a float"),
        (OWN | {"plan": {"day": {1: 2}}}, {}, "architectures.mine.plan holds"),
        (OWN, {"kernel": 3}, "studies.one.kernel: mine has no such option; it takes norm_layer"),
        (OWN | {"builder": "torchvision.models:nothing"}, {}, "has no function 'nothing'"),
        ({"builder": "no/where.py:net"}, {}, "no/where.py does not exist"),
    ],
)
def test_a_section_of_architectures_that_does_not_work_is_one_sentence(entry, settings, words):
    with pytest.raises(GradflowError, match=words) as caught:
        config = own(entry, **settings)
        studies.check_models(studies.expand(config), known(config["architectures"]))
    assert str(caught.value).startswith("config: ") and "\n" not in str(caught.value)


def test_options_and_architectures_may_be_called_as_anything_that_a_section_has():
    options = dict.fromkeys(["copy", "model_config", "model_fields", "schema", "advice", "self", "key_copy"], 1)
    study = {"question": "?", "vary": [{"architecture": "json", "copy": [2, 3], "model_config": 4}]}
    entries = {"json": OWN | {"options": options}}
    config = configuration.complete({"select": ["one"], "architectures": entries, "studies": {"one": study}})
    (plan,) = studies.expand(config)
    assert [arm.runs[0].options for arm in plan.arms] == [{"copy": n, "model_config": 4} for n in (2, 3)]


@pytest.mark.parametrize("value", [1, "two", 3.5, [None]])
def test_an_option_that_architectures_give_other_types_takes_each_of_them(value):
    other = {"builder": "torchvision.models:resnet34", "options": {"heads": "four"}}
    entries = {"mine": OWN | {"options": {"heads": 4}}, "other": other}
    study = {"question": "?", "vary": [{"architecture": "mine", "heads": [value]}]}
    config = {"select": ["one"], "architectures": entries, "studies": {"one": study}}
    if isinstance(value, int | str):
        assert configuration.complete(config)["studies"]["one"]["vary"] == study["vary"]
    else:
        with pytest.raises(GradflowError, match=r"heads.0 is .*; it must be of type integer or string"):
            configuration.complete(config)


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"vgg16": OWN}, "vgg16 is an architecture of gradflow's own"),
        ({"mine": OWN | {"label": "VGG-16"}}, "architectures.mine.label is 'VGG-16', which vgg16 is called"),
        ({"mine": OWN | {"label": "M"}, "other": OWN | {"label": "M"}}, "other.label is 'M', which mine is called"),
    ],
)
def test_a_name_or_a_label_cannot_be_taken_twice(own, words):
    with pytest.raises(GradflowError, match=words):
        configuration.complete({"architectures": own})


def test_the_first_random_seed_moves_all_of_them():
    config = configuration.complete(
        {
            "select": ["one"],
            "scale": {"first_seed": 7, "seeds": 2},
            "studies": {"one": {"question": "?", "vary": [{"architecture": "vgg_shallow"}]}},
        }
    )
    assert [run.seed for study in studies.expand(config) for run in study.runs] == [7, 8]
