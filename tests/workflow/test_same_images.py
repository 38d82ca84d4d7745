"""The same images are the same data: what happens to their files trains nothing, and what differs all.

Only what is needed is checked: data that are gone refuse nothing that was made of them.
"""

import os
import shutil

import numpy as np
import pytest
import yaml
from PIL import Image

from conftest import copy_workflow, pending, snakemake

STUDY = {"question": "?", "base": {"architecture": "mlp", "depth": 2, "batch_size": 8}, "vary": [{"init": "he"}]}
OVERLAY = ["--configfile", "overlay.yaml"]


def configure(folder, path, **changes):
    """Let the data set `photos` be at a path; another, which no study needs, is nowhere."""
    mine = {"source": "folder", "path": str(path), "size": 8} | changes
    config = {
        "select": ["one"],
        "memory_format": "contiguous",
        "scale": {"dataset": "photos", "width": 0.03125, "epochs": 1, "seeds": 1},
        "datasets": {"photos": mine, "unused": {"source": "folder", "path": "/no/where"}},
        "studies": {"one": STUDY},
    }
    (folder / "overlay.yaml").write_text(yaml.safe_dump(config))


def run(folder):
    ran = snakemake(folder, "runs", "--cores", "2", *OVERLAY)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return (ran.stdout + ran.stderr).count("Rule: train")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder in which a network was trained on photographs, which lie in its folder `photos`."""
    folder = tmp_path_factory.mktemp("trained")
    copy_workflow(folder)
    generator = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (folder / "photos" / name).mkdir(parents=True)
        for i in range(12):
            image = Image.fromarray(generator.integers(0, 256, (8, 8, 3), np.uint8))
            image.save(folder / "photos" / name / f"{i}.png")
    configure(folder, folder / "photos")
    assert run(folder) == 1
    return folder


@pytest.fixture
def photos(trained, tmp_path):
    """The photographs elsewhere, copied later: the data set is there now."""
    copied = shutil.copytree(trained / "photos", tmp_path / "ü moved" / "renamed", copy_function=shutil.copy)
    configure(trained, copied)
    return copied


def test_a_folder_that_was_moved_touched_and_littered_is_the_same_data(trained, photos):
    (photos / ".DS_Store").touch()
    (photos / "cat" / "Thumbs.db").write_bytes(b"x")
    os.utime(photos / "cat" / "1.png")
    configure(trained, photos, drop_damaged=5)
    assert pending(trained, "runs", *OVERLAY) == {}


@pytest.mark.parametrize("kind", ["zip", "gztar"])
def test_an_archive_of_the_folder_is_the_same_data(trained, photos, tmp_path, kind):
    configure(trained, shutil.make_archive(tmp_path / "packed", kind, photos.parent))
    assert pending(trained, "runs", *OVERLAY) == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda photos: shutil.copy(photos / "dog/1.png", photos / "cat/1.png"),
        lambda photos: (photos / "cat").rename(photos / "wolf"),
    ],
    ids=["image", "label"],
)
def test_another_image_or_label_is_other_data(trained, photos, change):
    change(photos)
    jobs = pending(trained, "runs", *OVERLAY)
    assert jobs["prepare_data"] == 1 and jobs["train"] == 1


def test_data_that_are_gone_refuse_nothing_that_was_made_of_them(trained, photos):
    shutil.rmtree(photos)
    assert pending(trained, "runs", *OVERLAY) == {}
    edited = trained / "workflow/scripts/gradflow/data/prepare.py"
    text = edited.read_text()
    edited.write_text(text + "\n\nEDITED = 1\n")  # it would be prepared again, and what was prepared be lost
    assert pending(trained, "runs", *OVERLAY) == {}
    edited.write_text(text)


@pytest.mark.parametrize("needed", ["results/data/photos", "results/runs"], ids=["not prepared", "not trained"])
def test_data_that_are_gone_are_not_made_up_for_by_what_was_prepared(trained, photos, tmp_path, needed):
    shutil.rmtree(photos)
    shutil.move(trained / needed, tmp_path / "away")
    refused = snakemake(trained, "-n", "runs", *OVERLAY)
    shutil.move(tmp_path / "away", trained / needed)
    said = refused.stdout + refused.stderr
    assert refused.returncode and f"config: datasets.photos: {str(photos)!r} does not exist; correct the path" in said


def test_what_is_prepared_again_to_the_same_content_trains_nothing(trained, photos):
    results = {file: file.stat().st_mtime_ns for file in trained.glob("results/runs/*/norms.npz")}
    (photos / "notes.txt").write_text("These are photographs.")  # it might be labels
    assert pending(trained, "runs", *OVERLAY)["prepare_data"] == 1
    before = (trained / "results/data/photos/images.npy").stat().st_mtime_ns
    assert run(trained) == 0 and pending(trained, "runs", *OVERLAY) == {}
    assert (trained / "results/data/photos/images.npy").stat().st_mtime_ns > before
    assert {file: file.stat().st_mtime_ns for file in results} == results
