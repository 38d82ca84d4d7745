"""`gradflow profile`: anybody's network from the command line, in words and as JSON, or one sentence of refusal."""

import json

import pytest
import torch
from PIL import Image
from torch import nn

from gradflow.causes import CAUSES
from gradflow.cli import main

NETWORK = """
import torch
from torch import nn

def plain(width=16):
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.ReLU(), nn.Flatten(), nn.Linear(width * 36, 10))

def broken():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.Linear(3, 10))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_words_and_json(folder, capsys):
    assert main(["profile", "mine.py:plain", "--input", "3,8,8", "--set", "width=8", "--json", "out.json"]) == 0
    said = capsys.readouterr().out
    assert "predicted" in said and "No data given" in said
    told = json.loads((folder / "out.json").read_text())
    assert {"name", "depth", "kind", "measured", "predicted", "pure"} <= set(told["layers"][0])
    assert [layer["name"] for layer in told["layers"]] == ["0", "3"]
    decades = told["decades"]
    assert sum(decades[cause] for cause in CAUSES) == pytest.approx(decades["predicted"])
    assert decades["residual"] == pytest.approx(decades["measured"] - decades["predicted"])
    assert told["unknown"] == [] and told["verdict"]


def test_weights_and_images_of_the_user_s(folder, capsys):
    model = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 36, 10))
    torch.save(model.state_dict(), folder / "weights.pt")
    for number in range(40):
        path = folder / "images" / f"class{number % 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number, 2 * number, 255 - number)).save(path)
    given = ["--input", "3x8x8", "--weights", "weights.pt", "--data", "images", "--batch", "8", "--json", "-"]
    assert main(["profile", "mine.py:plain", *given]) == 0
    told = json.loads(capsys.readouterr().out)
    assert not any("No data" in note for note in told["notes"])
    assert any("trained" in note for note in told["notes"]) and told["decades"]["pure"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mine.py:nobody", "--input", "3,8,8"], "nobody"),
        (["mine.py:plain", "--input", "3,9,9"], "RuntimeError"),
        (["mine.py:plain", "--input", "3,8,8", "--set", "depth=2"], "--set"),
        (["mine.py:broken", "--input", "3,8,8"], "mine.py:broken"),
        (["mine.py:plain", "--input", "3,8,8", "--weights", "mine.py"], "weights"),
        (["mine.py:plain", "--input", "3,8,8", "--weights", "mine.py", "--seeds", "2"], "one draw"),
        (["mine.py:plain", "--input", "3,8,8", "--data", "nowhere"], "nowhere"),
        (["vgg99", "--input", "3,8,8"], "vgg19"),
        (["vgg19", "--input", "3,32,32", "--set", "colour=1"], "colour"),
    ],
)
def test_what_does_not_fit_is_one_sentence(folder, capsys, arguments, words):
    assert main(["profile", *arguments]) == 2
    said = capsys.readouterr()
    assert words in said.err and len(said.err.splitlines()) == 1
    assert said.out == ""
