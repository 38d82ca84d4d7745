"""What is said of slips in a configuration is true: keys that stand twice, texts for numbers, near names, paths."""

import re

import pytest

from gradflow import GradflowError
from gradflow.analysis.claims.schema import read_claims
from gradflow.config import configuration
from gradflow.config.fields import nearest

NAMES = ["fp32", "bf16", "fp64", "resnet18", "resnet50", "cpu", "cuda", "relu", "elu", "seeds", "batch_size"]


def refusal(config: dict) -> str:
    """The sentence that a configuration is refused with."""
    with pytest.raises(GradflowError) as caught:
        configuration.complete(config)
    return str(caught.value)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        *(("fp16", None), ("densenet121", None), ("resnet101", None), ("gpu", None), ("selu", None), (None, None)),
        *(("resnet-50", "resnet50"), ("ReLU", "relu"), ("seed", "seeds"), ("batchsize", "batch_size")),
    ],
)
def test_only_what_is_really_near_is_what_was_meant(word, meant):
    assert nearest(word, NAMES) == meant


@pytest.mark.parametrize("read", [configuration.read_configuration, read_claims])
def test_a_key_that_is_there_twice_is_refused_with_both_lines(tmp_path, read):
    file = tmp_path / "mine.yaml"
    file.write_text("a: &a {x: 1}\nscale: {epochs: 1}\nb: {<<: *a, <<: *a, x: 2}\nc:\n  - y: 1\n    z: 3\n    y: 1\n")
    with pytest.raises(GradflowError, match=r"mine\.yaml, line 7: y is there twice, in line 5 too, and YAML would"):
        read(file)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"scale": {"epochs": "1"}}, "scale.epochs is the text '1'; it must be of type integer: put values that lie"),
        ({"scale": {"width": "1e-1"}}, "scale.width is the text '1e-1'; .* number: write 1e-4 as 1.0e-4"),
        ({"select": "skip"}, r"select is the text 'skip'; it must be a list, of type array: write \[skip\]"),
        ({"scale": None}, "scale is empty; write what it is to be .type object., or leave the key out"),
        ({"scale": {"epochs": None}}, "scale.epochs is empty; write what it is to be .type integer."),
        ({"cache": "${NOWHERE_AT_ALL}/x"}, r"cache is '\${NOWHERE_AT_ALL}/x', and the environment has no NOWHERE"),
    ],
)
def test_a_slip_is_said_as_what_it_is(config, words):
    assert re.search(words, refusal(config)), refusal(config)


def test_paths_may_name_the_home_folder_and_variables_and_a_dollar_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "pay $me").mkdir()
    for written, path in (
        ("$HOME/a", f"{tmp_path}/a"),
        ("${HOME}/a", f"{tmp_path}/a"),
        ("~/a", f"{tmp_path}/a"),
        ("~/pay $me", f"{tmp_path}/pay $me"),
        ("downloads", "downloads"),
    ):
        assert configuration.complete({"cache": written})["cache"] == path
