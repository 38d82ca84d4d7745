"""`gradflow data inspect` says what would be read, and draws it."""

from html import unescape

import numpy as np
from PIL import Image

import archives as made
from folders_of_images import files, on_disk
from gradflow.cli import FAULT, main
from gradflow.report.prose.datasets import data_table


def test_inspect_says_what_would_be_read_and_draws_it(tmp_path, capsys):
    colours = {"cat": (250, 0, 0), "dog": (0, 0, 250)}
    photos = {f"{name}/{i}.jpg": made.painted(colour, 8 + i) for name, colour in colours.items() for i in range(10)}
    odd = {"cat/a.gif": b"", "dog/b.jpg": b"no image", "loose.png": b"", "dog/[1m\x1b.x\x1b": b""}
    on_disk(tmp_path / "photos", photos | odd)
    assert main(["data", "inspect", str(tmp_path / "photos"), "--sheet", str(tmp_path / "six.png")]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[:4] == [
        "21 images of 2 classes",
        "class       train  validation        test",
        "cat             7           1           2",
        "dog             8           1           2",
    ]
    for line in (
        "formats: JPEG (20)",
        "modes: RGB (20)",
        "cannot be decoded: dog/b.jpg; preparing refuses them, or leaves them out with drop_damaged",
    ):
        assert line in said.splitlines()
    assert "8×8 (2), 9×9 (2)" in said and "... (10 in all)" in said
    assert "Left out: loose images (1), .gif (1), .x\\x1b (1)." in said and "\x1b" not in said
    with Image.open(tmp_path / "six.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB")).astype(int)
    centres = [pixels[y, x] for y in (60, 290) for x in (96, 288, 480)]
    assert all(abs(centre[0] - 250) < 9 for centre in centres[:3]) and all(centre[0] < 9 for centre in centres[3:])


def test_of_many_files_a_sample_is_opened_and_a_refusal_is_one_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("gradflow.data.inspection.HEADERS", 5)
    on_disk(tmp_path / "photos", files(*(f"c{i}" for i in range(30))))
    assert main(["data", "inspect", str(tmp_path / "photos")]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "Of 5 images, by their headers:" in said and any(line.startswith("... 10 more") for line in said)
    assert main(["data", "inspect", str(tmp_path / "photos"), "--exclude", "c*"]) == FAULT
    assert "found the class folders (none)" in capsys.readouterr().err


def test_the_report_says_what_was_left_out_and_no_name_is_a_mark():
    facts = {"name": "zoo", "classes": ["a", "b"], "counts": dict.fromkeys(["train", "validation", "test"], 5)}
    facts |= {
        "stored": [8, 8],
        "fingerprint": "0" * 64,
        "dropped": [],
        "left_out": {".gif": 12},
        "notes": ["No <b>*cat*."],
    }
    said = data_table([facts])
    assert unescape(said).endswith("Of `zoo`: Left out: .gif (12). No <b>*cat*.") and "<b>" not in said
    quiet = data_table([facts | {"left_out": {}, "notes": []}])
    assert "Of `zoo`" not in quiet
