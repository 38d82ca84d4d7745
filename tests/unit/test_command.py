"""The command `gradflow layers` prints the columns that the recorder has, and one sentence for whatever fails."""

import json
import os
import platform
import subprocess
import sys

import pytest
import torch

from conftest import ROOT
from gradflow import GradientRecorder, __version__
from gradflow.builders import load_builder
from gradflow.cli import _option, main, printable
from gradflow.models.columns import columns_of

NETWORKS = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width=4, classes=3):
        super().__init__()
        self.head = nn.Linear(width, classes)  # defined first, runs last
        self.unused = nn.Linear(2, 2)
        self.short = nn.Conv2d(1, width, 1)
        self.norm = nn.BatchNorm2d(width)
        self.conv = nn.Conv2d(1, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, images):
        print("a forward pass")
        hidden = self.conv2(self.norm(self.conv(images)).relu()) + self.short(images)
        return self.head(hidden.mean((2, 3)))


def looks_at_values(width=4):
    net = Net(width)
    assert net.head.weight.abs().max().item() < 10  # no meta device has values
    return net


TWO = torch.tensor(2.0)


def scaled_by_a_tensor_of_its_module():
    net = nn.Linear(3, 3)
    assert TWO.item() == 2
    return net


def texts():
    return nn.ModuleDict({"words": nn.Embedding(5, 4), "reads": nn.LSTM(4, 4), "attends": nn.MultiheadAttention(4, 2)})


def asks(classes, channels, image_size):
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * image_size**2, classes))


def hostile():
    net = nn.Sequential()
    net.add_module("a\\x1b[2Jb\\n\\u202ec", nn.Linear(2, 2))
    return net


def lazy():
    return nn.Sequential(nn.LazyLinear(3))


def no_network(): return 3
def no_layer(): return nn.Sequential(nn.ReLU())
def leaves(): raise SystemExit(3)
def fails(): raise RuntimeError("the first line\\nthe second")
"""


@pytest.fixture
def net(tmp_path):
    """What names a function of a user's own file."""
    (tmp_path / "nets.py").write_text(NETWORKS)
    return lambda function: f"{tmp_path / 'nets.py'}:{function}"


def told(capsys, *arguments):
    code = main(["layers", *map(str, arguments)])
    out, err = capsys.readouterr()
    assert code == 0, err
    return out


def refused(capsys, *arguments):
    """The one sentence of a fault."""
    assert main(["layers", *map(str, arguments)]) == 2
    out, err = capsys.readouterr()
    (sentence,) = (line for line in err.splitlines() if line != "a forward pass")
    assert out == "" and sentence.startswith("gradflow: ")
    return sentence


@pytest.mark.parametrize("function", ["Net", "looks_at_values"])
def test_the_columns_are_the_recorders_in_forward_order_with_the_main_path(net, capsys, function):
    columns = json.loads(told(capsys, net(function), "--input", "1x6x6", "--json"))["recorded"]
    model = load_builder(net(function))()
    with GradientRecorder(model) as recorder:
        model(torch.randn(2, 1, 6, 6)).sum().backward()
        recorder.step()
    assert [column["name"] for column in columns] == recorder.layers == ["conv", "conv2", "short", "head", "unused"]
    assert [column["path"] for column in columns] == ["main", "main", "beside", "main", "no gradient"]
    for column, layer in zip(columns, recorder.table):
        assert (column["kind"], column["weights"], column["fan_in"]) == (layer.kind, layer.weight_numel, layer.fan_in)
        assert tuple(column["shape"]) == model.get_submodule(layer.name).weight.shape


def test_without_an_input_the_order_is_that_of_definition_and_it_says_so(net, capsys):
    lines = told(capsys, net("Net"), "--options", "width=8", "classes=5").splitlines()
    assert lines[0].split() == ["column", "kind", "weight", "weights", "fan-in"]
    assert lines[1].split() == ["head", "Linear", "5×8", "40", "8"]
    assert [line.split()[0] for line in lines[1:6]] == ["head", "unused", "short", "conv", "conv2"]
    assert lines[6].startswith("5 columns, 700 weights; the network has 747 parameters.")
    assert lines[7].startswith("not recorded: 1 BatchNorm2d (norm): no matrix of theirs is known to multiply")
    assert "--input" in lines[-1]


def test_what_is_not_recorded_is_said_with_its_reason(net):
    columns = columns_of(net("texts"), {})
    assert [(each.kind, each.parameters) for each in columns.unrecorded] == [("Embedding", 20)]
    assert "multiply" in columns.unrecorded[0].reason
    assert {each.kind for each in columns.recorded} >= {"LSTM", "MultiheadAttention"}


@pytest.mark.parametrize("network", ["vgg16", "torchvision.models:mobilenet_v3_small", "torchvision.models:vit_b_16"])
def test_networks_of_the_catalogue_and_of_packages_are_listed(network):
    columns = columns_of(network, {}, (3, 224, 224))
    assert columns.recorded[0].path == "main" and columns.recorded[0].shape[1] == 3
    assert sum(column.path == "main" for column in columns.recorded) >= 13


def test_a_builder_is_given_what_it_asks_for(net):
    (column,) = columns_of(net("asks"), {"classes": 7}, (2, 5, 5)).recorded
    assert column.shape == (7, 50)
    (column,) = columns_of("torch.nn:Linear", {"in_features": 3, "out_features": 2}, (3,)).recorded
    assert column.shape == (2, 3) and column.name == ""


def test_a_users_module_is_loaded_with_its_tensors(net):
    assert columns_of(net("scaled_by_a_tensor_of_its_module"), {}).recorded[0].weights == 9


@pytest.mark.parametrize(
    ("function", "arguments", "words"),
    [
        ("no_network", [], "returned a int; a builder returns an nn.Module"),
        ("no_layer", [], "found no layer to record"),
        ("fails", [], "cannot be built (RuntimeError: the first line)."),
        ("leaves", [], "ended Python (3) instead of building a network."),
        ("absent", [], "has no function 'absent'"),
        ("lazy", [], "0.weight has no shape before the network's first input"),
        ("asks", [], "missing a required argument: 'image_size'): give its options as --options"),
        ("Net", ["--options", "depth=2"], "unexpected keyword argument 'depth'"),
        ("Net", ["--input", "3x6x6"], "takes no input of 3×6×6 (RuntimeError: "),
    ],
)
def test_a_builders_fault_is_one_sentence(net, capsys, function, arguments, words):
    assert words in refused(capsys, net(function), *arguments)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (
            "vgg17",
            "'vgg17' is neither package.module:function nor path/to/file.py:function, nor an architecture of ours",
        ),
        ("nowhere.py:net", "nowhere.py does not exist"),
        ("no.such.module:net", "cannot be imported (ModuleNotFoundError: No module named 'no')"),
        ("gradflow:", "does not name a function"),
    ],
)
def test_a_network_that_is_not_there_is_one_sentence(capsys, network, words):
    assert words in refused(capsys, network)


@pytest.mark.parametrize(
    "arguments", [[], ["layers"], ["layers", "vgg16", "--input", "3x"], ["layers", "vgg16", "--options", "width"]]
)
def test_a_command_that_is_not_whole_exits_with_2(capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2 and "error: " in capsys.readouterr().err


def test_names_of_other_people_are_printed_safely(net, capsys):
    out = told(capsys, net("hostile"))
    assert out.splitlines()[1].startswith(r"a\x1b[2Jb\n\u202ec  Linear")
    assert printable("größe ×\udc80\t") == r"größe ×\udc80\t"


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("None", None), ("[1, 2]", [1, 2]), ("1e-3", 0.001), ("relu", "relu"), ("a=b", "a=b")],
)
def test_options_are_read_as_values(text, value):
    assert _option(f"name={text}") == ("name", value)


def test_python_m_gradflow_is_the_command_and_a_pipe_may_close_early():
    command = [sys.executable, "-m", "gradflow"]
    variables = os.environ | {"PYTHONPATH": str(ROOT / "workflow" / "scripts")}
    version = subprocess.run([*command, "--version"], env=variables, capture_output=True, text=True, check=True).stdout
    torch_version = torch.__version__.partition("+")[0]
    assert version == f"gradflow {__version__} (torch {torch_version}, Python {platform.python_version()})\n"
    closed, writes = os.pipe()
    os.close(closed)
    ran = subprocess.run([*command, "--version"], env=variables, stdout=writes, stderr=subprocess.PIPE, text=True)
    os.close(writes)
    assert (ran.returncode, ran.stderr) == (0, "")
