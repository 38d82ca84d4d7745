"""Data sets by name: fetched from their servers in their original formats, they become the right pixels and labels."""

import gzip
import hashlib
import io
import pickle
import struct

import numpy as np
import pytest
from scipy.io import savemat

import archives as made
from faulty_server import faulty_server
from gradflow import GradflowError
from gradflow.config import configuration
from gradflow.data import store
from gradflow.data.fetch import configured, fetch
from gradflow.data.prepare import prepare
from gradflow.data.sources import get_source, known_downloads, needed_downloads

GENERATOR = np.random.default_rng(0)
LABELS = (np.arange(80) % 10).astype(np.uint8)
GREY = GENERATOR.integers(0, 256, (80, 28, 28), np.uint8)
COLOUR = GENERATOR.integers(0, 256, (80, 3, 32, 32), np.uint8)
TRAIN = slice(0, 60), slice(60, 80)


def idx(array):
    """A gzipped IDX file of bytes."""
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes())


def idx_files(name):
    return {
        f"{name}_{part}_{what}": idx(array[rows])
        for part, rows in zip(("train", "test"), TRAIN)
        for what, array in (("images", GREY), ("labels", LABELS))
    }


def matlab(rows):
    stream = io.BytesIO()
    labels = np.where(LABELS[rows] == 0, 10, LABELS[rows])[:, None]
    savemat(stream, {"X": COLOUR[rows].transpose(2, 3, 1, 0), "y": labels}, do_compression=True)
    return stream.getvalue()


def cifar100():
    members = {"meta": {b"fine_label_names": [f"class {i}".encode() for i in range(10)]}}
    for name, rows in zip(("train", "test"), TRAIN):
        members[name] = {b"data": COLOUR[rows].reshape(-1, 3072), b"fine_labels": LABELS[rows].tolist()}
        members[name][b"coarse_labels"] = [0] * len(LABELS[rows])
    return made.tar({f"cifar-100-python/{name}": pickle.dumps(value, 2) for name, value in members.items()}, "gz")


FILES = {
    "mnist": idx_files("mnist"),
    "fashion_mnist": idx_files("fashion_mnist"),
    "svhn": {"svhn_train": matlab(TRAIN[0]), "svhn_test": matlab(TRAIN[1])},
    "cifar100": {"cifar100": cifar100()},
}


def prepared(folder, source, files):
    """Fetch files from a server under the sources' own names, and prepare the data set that they make."""
    with faulty_server() as server:
        server.files.update({f"/{name}.original": content for name, content in files.items()})
        downloads = {
            name: {"urls": [server.url(f"/{name}.original")], "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in files.items()
        }
        downloads = {name: entry | {"bytes": None} for name, entry in downloads.items()}
        config = {"datasets": {"mine": {"source": source}}, "downloads": downloads, "cache": str(folder / "cache")}
        config = configuration.complete(config | {"scale": {"dataset": "mine"}})
        settings = config["datasets"]["mine"]
        fetched = {name: fetch(*configured(config, name)) for name in needed_downloads(settings)}
    prepare(folder / "out", "mine", settings, fetched)
    return store.load_dataset(folder / "out")


@pytest.mark.parametrize("source", FILES)
def test_a_data_set_is_that_of_its_original_files(tmp_path, source):
    dataset = prepared(tmp_path, source, FILES[source])
    grey = "mnist" in source
    np.testing.assert_array_equal(dataset.images, GREY[:, None].repeat(3, axis=1) if grey else COLOUR)
    np.testing.assert_array_equal(dataset.labels, LABELS)
    assert len(dataset.classes) == 10 and dataset.split.tolist()[:60] == [0] * 60
    assert np.bincount(dataset.split).tolist() == [60, 10, 10]  # halved within each class
    assert dataset.images.shape[3] == get_source(source).stored_side


def test_eurosat_is_its_folders_of_classes(tmp_path):
    images = {
        f"2750/{name}/{name}_{i}.jpg": made.painted(colour)
        for name, colour in (("Forest", (9, 90, 9)), ("River", (9, 9, 90)))
        for i in range(20)
    }
    dataset = prepared(tmp_path, "eurosat", {"eurosat": made.zip_(images)})
    assert dataset.classes == ("Forest", "River") and np.bincount(dataset.split).tolist() == [28, 6, 6]


@pytest.mark.parametrize(
    ("source", "files", "words"),
    [
        ("mnist", {**FILES["mnist"], "mnist_train_images": idx(GREY[:9])}, "not the IDX files of mnist"),
        ("mnist", {**FILES["mnist"], "mnist_train_images": b"<html>"}, "not the IDX files of mnist"),
        ("mnist", {**FILES["mnist"], "mnist_test_labels": gzip.compress(b"")}, "not the IDX files of mnist"),
        ("svhn", {**FILES["svhn"], "svhn_test": b"<html>" * 99}, "not the Matlab files of SVHN"),
        (
            "cifar100",
            {"cifar100": made.tar({"cifar-100-python/meta": b"\x80\x02}."})},
            "not CIFAR-100's python archive",
        ),
    ],
)
def test_files_of_another_format_are_named(tmp_path, source, files, words):
    with pytest.raises(GradflowError, match=words):
        prepared(tmp_path, source, files)


def test_what_sources_know_of_their_files_needs_no_word_in_the_configuration():
    config = configuration.complete({"datasets": {"digits": {}, "mine": {"source": "svhn"}}})
    assert config["downloads"] == {
        name: {"urls": [], "path": None, "bytes": None} | facts for name, facts in known_downloads().items()
    }
    copy = configuration.complete({"downloads": {"svhn_train": {"path": "/data/train.mat"}}})["downloads"]["svhn_train"]
    assert copy == known_downloads()["svhn_train"] | {"path": "/data/train.mat"}
    assert all(entry["bytes"] and entry["sha256"] and entry["urls"] for entry in known_downloads().values())
