"""Arrays of the user's own become the right images, labels, classes and splits, or are refused in one sentence."""

from pathlib import Path

import numpy as np
import pytest

from gradflow import GradflowError, studies
from gradflow.config import configuration
from gradflow.data import store
from gradflow.data.prepare import prepare
from gradflow.data.sources import get_source

LABELS = np.arange(40) % 2
BYTES = np.random.default_rng(0).integers(0, 256, (40, 3, 8, 8), np.uint8)


def prepared(folder, path=None, source="arrays", **settings):
    """What a data set of arrays is prepared to: of a file, or of arrays that are written into one."""
    arrays = {name: settings.pop(name) for name in ("images", "labels", "split", "classes") if name in settings}
    if arrays:
        path = folder / "mine.npz"
        np.savez(path, **arrays)
    given = {"size": 8, "channels": 3, "range": None, "path": path and str(path)} | settings
    prepare(folder / "out", "mine", {"source": source} | given)
    return store.load_dataset(folder / "out")


@pytest.mark.parametrize(
    ("images", "channels", "expected"),
    [
        (BYTES, 3, BYTES),
        (BYTES.transpose(0, 2, 3, 1), 3, BYTES),
        (BYTES.astype(np.int64), 3, BYTES),
        (BYTES[:, 0], 3, BYTES[:, [0, 0, 0]]),
        (BYTES[:, :1], 3, BYTES[:, [0, 0, 0]]),
        (BYTES[:, 0, :, :, None], 3, BYTES[:, [0, 0, 0]]),
        (BYTES[:, 0], 1, BYTES[:, :1]),
        (np.repeat(BYTES, 2, axis=1), 6, np.repeat(BYTES, 2, axis=1)),
    ],
    ids=["colour", "channels last", "integers", "grey", "one channel", "grey last", "grey kept", "six channels"],
)
def test_images_of_any_usual_form_are_the_same_pixels(tmp_path, images, channels, expected):
    dataset = prepared(tmp_path, images=images, labels=LABELS, channels=channels)
    np.testing.assert_array_equal(dataset.images, expected)
    assert dataset.classes == ("0", "1") and np.bincount(dataset.split).tolist() == [28, 6, 6]


def test_numbers_in_a_told_range_are_scaled_to_bytes(tmp_path):
    dataset = prepared(tmp_path, images=(BYTES / 255).astype(np.float32), labels=LABELS, range=[0.0, 1.0])
    np.testing.assert_array_equal(dataset.images, BYTES)
    dataset = prepared(tmp_path, images=BYTES.astype(np.uint16) * 257, labels=LABELS, range=[0.0, 65535.0])
    np.testing.assert_array_equal(dataset.images, BYTES)


def test_labels_split_and_classes_are_as_they_are_written(tmp_path):
    names = np.array(["dog", "cat"])[LABELS]
    split = np.array(["train", "val", "train", "test"]).repeat(10)
    dataset = prepared(tmp_path, images=BYTES, labels=names, split=split)
    assert dataset.classes == ("cat", "dog") and (dataset.labels == 1 - LABELS).all()
    assert dataset.split.tolist() == [0] * 10 + [1] * 10 + [0] * 10 + [2] * 10
    dataset = prepared(tmp_path, images=BYTES, labels=LABELS, split=[0] * 20 + [2] * 20, classes=["even", "odd"])
    assert dataset.classes == ("even", "odd") and np.bincount(dataset.split).tolist() == [20, 10, 10]


def test_a_folder_of_npy_files_is_what_an_npz_file_of_them_is(tmp_path):
    (tmp_path / "arrays").mkdir()
    for name, array in {"images": BYTES, "labels": LABELS}.items():
        np.save(tmp_path / "arrays" / f"{name}.npy", array)
    of_folder = prepared(tmp_path, tmp_path / "arrays")
    assert of_folder.fingerprint == prepared(tmp_path, images=BYTES, labels=LABELS).fingerprint


NOT_A_NUMBER = np.where(BYTES == 7, np.nan, BYTES / 255)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"images": BYTES}, "needs the arrays images and labels, perhaps split and classes; found images"),
        ({"images": BYTES / 255, "labels": LABELS}, r"are float64, of 0 to 1; say which .* range: \[0.0, 1.0\]"),
        ({"images": BYTES * 2.0, "labels": LABELS, "range": [0.0, 1.0]}, "values of 0 to 510, not all within 0 to 1"),
        ({"images": NOT_A_NUMBER, "labels": LABELS, "range": [0.0, 1.0]}, "values of nan to nan, not all within"),
        ({"images": BYTES / 255, "labels": LABELS, "range": [1.0, 0.0]}, "the first must be the smaller"),
        ({"images": BYTES.astype(np.uint16) * 257, "labels": LABELS}, "values of 0 to 65535, not all within 0 to 255"),
        ({"images": BYTES, "labels": LABELS, "channels": 4}, "3 or 8 channels.*channels, 4 now, must say how many"),
        ({"images": np.repeat(BYTES, 2, axis=1), "labels": LABELS}, "6 or 8 channels.*channels, 3 now, must say"),
        ({"images": BYTES, "labels": LABELS[:9]}, r"labels are \[9\] for 40 images"),
        ({"images": BYTES, "labels": np.eye(2)[LABELS]}, r"labels are \[40, 2\] for 40 images"),
        ({"images": BYTES, "labels": LABELS / 2}, "labels are float64; they must be whole numbers or texts"),
        ({"images": BYTES, "labels": LABELS + 1, "classes": ["a", "b"]}, "name the labels 0 to 1, and it has others"),
        ({"images": BYTES, "labels": LABELS, "split": ["training"] * 40}, "split has 'training'; it must be train"),
        ({"images": BYTES.astype("O"), "labels": LABELS}, "images.npy is no array of numbers or texts"),
    ],
)
def test_arrays_of_another_form_are_refused_in_one_sentence(tmp_path, arrays, words):
    with pytest.raises(GradflowError, match=f"datasets.mine: .*{words}") as caught:
        prepared(tmp_path, **arrays)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("packed", [True, False], ids=["npz", "npy"])
def test_a_wrong_number_of_channels_is_told_from_the_header(tmp_path, packed):
    if packed:
        np.savez(tmp_path / "mine.npz", images=BYTES, labels=LABELS)
    else:
        np.save(tmp_path / "images.npy", BYTES)
    settings = {"path": str(tmp_path / "mine.npz" if packed else tmp_path)}
    look = get_source("arrays").look
    look(settings | {"channels": 3})
    with pytest.raises(GradflowError, match=r"3 or 8 channels; .* channels, 4 now, must say how many"):
        look(settings | {"channels": 4})
    Path(settings["path"], "" if packed else "images.npy").write_bytes(b"PK")
    look(settings | {"channels": 4})  # what is wrong is said when all is read


def planned(channels, normalization):
    """The one run of a study on arrays of so many channels, and how many weights its network has."""
    study = {"question": "?", "vary": [{"architecture": "mlp", "depth": 2, "normalization": normalization}]}
    mine = {"source": "arrays", "path": "mine.npz", "size": 8, "channels": channels}
    config = {"select": ["one"], "datasets": {"mine": mine}, "scale": {"dataset": "mine", "seeds": 1}}
    studies_of = studies.expand(configuration.complete(config | {"studies": {"one": study}}))
    (inspected,), (run,) = studies.check_models(studies_of).values(), studies_of[0].runs
    return run, inspected.size.parameters


def test_networks_are_built_for_the_channels_that_a_data_set_says_or_refused():
    (colour, few), (other, many) = planned(3, "none"), planned(6, "none")
    assert many > few and other.channels == 6 and other.id != colour.id and other.start != colour.start
    assert "channels" not in colour.settings  # a run on colour images is what it was before there were others
    with pytest.raises(GradflowError, match="imagenet is for images of three channels, those of mine have 6"):
        planned(6, "imagenet")


FUNCTIONS = """
import numpy as np

def random(path=None):
    shift = 0 if path is None else len(open(path).read())
    images = np.full((40, 8, 8), 7 + shift, np.uint8)
    images[:, 0] = 0
    return images, np.arange(40) % 2

def mapping():
    images, labels = random()
    return {"images": images, "labels": labels, "classes": ["even", "odd"]}

def nothing():
    return None

def broken():
    raise KeyError("gone")
"""


@pytest.fixture
def functions(tmp_path):
    (tmp_path / "functions.py").write_text(FUNCTIONS)
    return lambda name: {"source": "function", "function": f"{tmp_path / 'functions.py'}:{name}"}


def test_a_function_of_the_users_own_returns_a_data_set(functions, tmp_path):
    dataset = prepared(tmp_path, **functions("random"))
    assert dataset.images.shape == (40, 3, 8, 8) and (dataset.images[:, :, 1:] == 7).all()
    assert prepared(tmp_path, **functions("mapping")).classes == ("even", "odd")
    (tmp_path / "read.txt").write_text("abc")
    assert (prepared(tmp_path, tmp_path / "read.txt", **functions("random")).images[:, :, 1:] == 10).all()


@pytest.mark.parametrize(
    ("name", "words"),
    [("nothing", "must return images and labels, but returned NoneType"), ("broken", "failed .KeyError: 'gone'")],
)
def test_a_function_that_returns_no_data_set_is_named(functions, tmp_path, name, words):
    with pytest.raises(GradflowError, match=f"datasets.mine: .*functions.py:{name} {words}"):
        prepared(tmp_path, **functions(name))
