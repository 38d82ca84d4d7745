"""The explorer's data: the tables' numbers to the stated precision, within the page's budget, whatever their names."""

import base64
import gzip
import json
import os
from dataclasses import replace

import numpy as np
import pytest

from gradflow import GradflowError
from gradflow.analysis.tables import read_table
from gradflow.cli import main
from gradflow.labels import SHOWN_PHASES
from gradflow.report.explorer.arms import (
    FIRST,
    SHOWN,
    THEORY,
    ExploredArm,
    ExploredRun,
    Judgement,
    finest,
    kept_places,
    shown_steps,
)
from gradflow.report.explorer.from_results import arms_of_results
from gradflow.report.explorer.packing import LADDER, Thinning, encode, pack
from gradflow.report.explorer.page import write_explorer
from gradflow.report.pages import PAGE_BYTES
from gradflow.thresholds import THRESHOLDS
from synthetic import a_run, result, write_study_tables

HOSTILE = '</script><img src=x onerror=alert(1)> & "quotes" \'=1+1'
RUNS = (("vgg_deep", -5.0), ("vgg16", -0.3))


def unpacked(packed: str) -> tuple[dict, bytes]:
    """The head and the numbers behind it, as explorer/data.js reads them."""
    whole = gzip.decompress(base64.b64decode(packed))
    length = int(np.frombuffer(whole[:4], "<u4")[0])
    return json.loads(whole[4 : 4 + length]), whole[4 + length :]


def arm(number: int, runs: int, steps: int = 76, layers: int = 26) -> ExploredArm:
    generator = np.random.default_rng(number)

    def run(seed):
        norms = 10 ** (np.linspace(-6, 0, layers) + generator.normal(0, 0.3, (len(SHOWN), steps, layers)))
        values = dict(zip(SHOWN, norms.astype(np.float32)))
        phases = {phase: {name: values[name][0] for name in SHOWN} for phase in SHOWN_PHASES}
        loss = np.exp(generator.normal(0, 0.3, steps))
        places = np.arange(steps)
        return ExploredRun(f"run {number}-{seed}", seed, steps, places, places, values, phases, loss, "completed")

    judged = dict.fromkeys(SHOWN_PHASES, Judgement("healthy, alive", -1.0))
    theory = {name: generator.normal(0, 1, layers) for name in THEORY}
    names = [f"features.{layer}" for layer in range(layers)]
    return ExploredArm(f"arm {number}", names, [run(seed) for seed in range(runs)], judged, theory=theory)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Two studies that share an arm, one of them with a name that means harm."""
    folder = tmp_path_factory.mktemp("results")
    plain, deep = ([result(a_run(name, seed), decades) for seed in (0, 1)] for name, decades in RUNS)
    write_study_tables(folder / "tables", {"s": {HOSTILE: plain, "VGG-Deep": deep}, "t": {"again": plain}})
    return folder


@pytest.mark.parametrize(("low", "high", "within"), [(-3, 0, 0.05), (-45, 5, 0.1)])
def test_a_value_of_a_step_is_within_the_stated_decades(low, high, within):
    values = 10 ** np.random.default_rng(0).uniform(low, high, 5000)
    codes, start, step = encode(values, 0.1)
    again = start + step * (codes.astype(float) - 1)
    assert np.abs(again - np.log10(values)).max() <= step / 2 + 1e-9 and step / 2 <= within + 1e-9


def test_zero_and_what_is_not_finite_keep_their_meaning():
    codes, low, step = encode([0.0, np.nan, np.inf, 1.0, -1.0], 0.1)
    assert codes.tolist() == [0, 255, 255, 1, 255] and (low, step) == (0, 0.1)
    assert encode([0.0, np.nan], 0.1)[0].tolist() == [0, 255]


def test_the_first_ten_and_the_last_step_are_always_there():
    assert shown_steps(40, 16).tolist() == [*range(FIRST), 16, 32, 39]
    assert len(kept_places(100_000)) < 300 and kept_places(200).tolist() == list(range(200))
    for count in (1, 7, 256, 257, 5000, 100_000):  # what is shown was kept
        assert set(shown_steps(count, 4 * finest(count))) <= set(kept_places(count))
    assert shown_steps(3, 2).tolist() == [0, 1, 2] and len(shown_steps(0, 2)) == 0


def test_phases_are_exactly_the_tables_numbers(results):
    arms = arms_of_results(results, THRESHOLDS)
    head, numbers = unpacked(pack(arms, Thinning(2)))
    table = read_table(results / "tables", "profiles").set_index(["run", "phase", "quantity", "layer"])["value"]
    at = 0
    for one in head["arms"]:
        for run in one["runs"]:
            for phase in run["phases"]:
                for quantity in head["quantities"]:
                    values = np.frombuffer(numbers, "<f4", len(one["layers"]), at)
                    at += values.nbytes
                    known = [table[run["name"], phase, quantity["name"], layer] for layer in one["layers"]]
                    np.testing.assert_array_equal(values, np.float32(known))
            at += len(run["steps"]) * (2 + len(head["quantities"]) * len(one["layers"]))
    assert at == len(numbers) and len(head["arms"]) == 2


def test_an_arm_of_two_studies_is_there_once_under_both_names(results):
    shared, alone = arms_of_results(results, THRESHOLDS)
    assert (shared.label, shared.aliases, shared.studies) == (HOSTILE, ["again"], ["Study s", "Study t"])
    assert (alone.label, alone.aliases, len(alone.runs)) == ("VGG-Deep", [], 2)
    assert shared.judgements["init"].verdict.startswith("vanishing")
    assert shared.judgements["init"].decades == pytest.approx(-5, abs=0.2)


def test_a_page_is_the_same_bytes_again(results, tmp_path):
    for name in ("a.html", "b.html"):
        write_explorer(tmp_path / name, "Title", arms_of_results(results, THRESHOLDS))
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_thousand_runs_fit_and_the_page_says_what_it_left_out(tmp_path):
    page = tmp_path / "explorer.html"
    kinds = [arm(number, 3) for number in range(16)]  # farther apart than gzip sees
    write_explorer(page, "Title", [replace(kinds[number % 16], label=f"arm {number}") for number in range(334)])
    text = page.read_text()
    assert len(text.encode()) <= PAGE_BYTES
    packed = text.split('id="packed">')[1].split("<")[0]
    head, _ = unpacked(packed)
    assert head["thinning"]["seeds"] == 1 and head["most"] == 3 and len(head["arms"]) == 334
    assert Thinning(**head["thinning"]) in LADDER


def test_what_has_no_room_at_all_is_refused_and_nothing_is_written(tmp_path):
    many = ExploredArm("x", [os.urandom(60).hex() for _ in range(22000)], arm(0, 1, layers=0).runs, {})
    with pytest.raises(GradflowError, match=r"1 arms have no room in 1,572,000 bytes.*select fewer"):
        write_explorer(tmp_path / "explorer.html", "Title", [many])
    with pytest.raises(GradflowError, match="no runs to show"):
        write_explorer(tmp_path / "explorer.html", "Title", [])
    assert list(tmp_path.iterdir()) == []


def test_names_cannot_leave_their_place(results, tmp_path):
    write_explorer(tmp_path / "explorer.html", HOSTILE, arms_of_results(results, THRESHOLDS))
    text = (tmp_path / "explorer.html").read_text()
    assert "<img" not in text and text.count("</script>") == 3


def test_the_command_writes_the_page_of_a_folder_a_recording_and_a_profile(results, tmp_path, monkeypatch, capsys):
    import torch
    from torch import nn

    from gradflow import GradientRecorder

    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    with GradientRecorder(model) as recorder:
        for _ in range(3):
            model(torch.randn(5, 4)).square().mean().backward()
            recorder.step()
    recorder.save("mine.npz")
    (tmp_path / "nets.py").write_text(
        "from torch import nn\n\ndef net():\n    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 10))\n"
    )
    assert main(["profile", "nets.py:net", "--input", "4", "--json", "told.json", "--html", "profile.html"]) == 0
    for path in (str(results), "mine.npz", "told.json"):
        assert main(["explore", path, "--html", "explorer.html"]) == 0
        head, _ = unpacked((tmp_path / "explorer.html").read_text().split('id="packed">')[1].split("<")[0])
        layers, phases = head["arms"][0]["layers"], head["arms"][0]["runs"][0]["phases"]
        if path == "mine.npz":
            assert layers == ["0", "2"] and phases[:2] == ["init", "one_step"]
        if path == "told.json":
            assert layers == ["0", "2"] and phases == ["init"] and head["arms"][0]["theory"]
    assert 'id="packed"' in (tmp_path / "profile.html").read_text()
    capsys.readouterr()
    (tmp_path / "no.json").write_text("[]")
    for path, words in (("no.json", "no.json is not what"), ("none.npz", "does not exist"), (".", "does not exist")):
        assert main(["explore", path]) == 2 and words in capsys.readouterr().err
