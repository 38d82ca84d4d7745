"""Sources: the originals' layouts, and any folder of images, become the right images, labels, classes and splits."""

import numpy as np
import pytest
from PIL import Image

import archives as made
from gradflow import GradflowError
from gradflow.data import store
from gradflow.data.content import Content, check_form
from gradflow.data.prepare import prepare
from gradflow.data.sources import get_source
from gradflow.data.splits import stratified_split


def prepared(folder, source, archive=None, **settings):
    fetched = {} if archive is None else {"zoo": folder / "archive"}
    for file in fetched.values():
        file.write_bytes(archive)
    prepare(folder / "out", "zoo", {"source": source, "size": 64} | settings, fetched)
    assert sorted(path.name for path in (folder / "out").iterdir()) == sorted(store.FILES)
    return store.load_dataset(folder / "out")


def counts(dataset):
    return np.bincount(dataset.split, minlength=3).tolist()


def test_cifar10_keeps_its_training_images_and_halves_its_test_images(tmp_path):
    archive, images, labels = made.cifar10()
    dataset = prepared(tmp_path, "cifar10", archive, size=224)
    np.testing.assert_array_equal(dataset.images, images)
    np.testing.assert_array_equal(dataset.labels, labels)
    assert dataset.classes[:2] == ("airplane", "automobile") and counts(dataset) == [100, 10, 10]
    assert not dataset.split[:100].any() and (np.bincount(labels[dataset.split == 1]) == 1).all()


def test_an_archive_that_is_not_cifar10_is_named(tmp_path):
    with pytest.raises(GradflowError, match="is not CIFAR-10's python archive"):
        prepared(tmp_path, "cifar10", made.tar({"cifar-10-batches-py/batches.meta": b"\x80\x02}."}))


def assert_colours(dataset, numbers):
    """Every image has one of the colours of its class: numbers has the wnids' numbers of each."""
    seen = dataset.images[:, :, 32, 32].astype(int)
    for label, wanted in enumerate(numbers):
        for colour in seen[dataset.labels == label]:
            assert min(np.abs(colour - made.wnid_colour(number)).max() for number in wanted) < 8, (label, colour)


def test_tiny_imagenet_takes_labels_from_its_files(tmp_path):
    archive = made.tiny_imagenet()
    dataset = prepared(tmp_path, "tiny_imagenet", archive)
    assert dataset.classes == ("thing 0", "thing 1", "thing 2", "thing 3")
    assert dataset.images.shape == (96, 3, 64, 64) and counts(dataset) == [80, 8, 8]
    assert np.bincount(dataset.labels[dataset.split == 0]).tolist() == [20] * 4
    for part in (1, 2):
        assert np.bincount(dataset.labels[dataset.split == part]).tolist() == [2] * 4
    assert_colours(dataset, [[1], [2], [3], [4]])


def test_groups_make_classes_of_tiny_imagenets_own(tmp_path):
    groups = {"low": ["n00000003", "n00000001"], "high": ["n00000004"]}
    dataset = prepared(tmp_path, "tiny_imagenet", made.tiny_imagenet(), groups=groups)
    assert dataset.classes == ("low", "high") and np.bincount(dataset.labels).tolist() == [40, 20]
    assert counts(dataset) == [42, 9, 9]
    assert_colours(dataset, [[3, 1], [4]])
    assert np.bincount(dataset.images[:40, 0, 32, 32] // 20).tolist().count(20) == 2  # 20 of each wnid
    with pytest.raises(GradflowError, match="groups names 'n9', which is no class of Tiny"):
        prepared(tmp_path, "tiny_imagenet", made.tiny_imagenet(), groups={"a": ["n9"], "b": ["n00000001"]})
    with pytest.raises(GradflowError, match="is not Tiny ImageNet's archive"):
        prepared(tmp_path, "tiny_imagenet", made.zip_({"a/1.txt": b"", "b/2.txt": b""}))


CLASSES = ("cat", "dog")


def photographs(*names, count=10):
    generator = np.random.default_rng(0)
    return {f"{name}/{i}.jpg": made.photograph(generator) for name in names for i in range(count)}


def write(folder, members):
    for name, content in members.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_class_folders_are_split_within_each_class(tmp_path):
    members = photographs("cat", "dog/puppies") | {"dog/notes.txt": b"", ".hidden/1.jpg": b"", "cat/._1.jpg": b""}
    dataset = prepared(tmp_path, "folder", path=str(write(tmp_path / "photos", members)))
    assert dataset.classes == ("cat", "dog") and np.bincount(dataset.labels).tolist() == [10, 10]
    with Image.open(tmp_path / "photos" / "cat" / "0.jpg") as image:
        np.testing.assert_array_equal(dataset.images[0], np.asarray(image).transpose(2, 0, 1))
    np.testing.assert_array_equal(dataset.split, store.load_dataset(tmp_path / "out").split)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["train", "val", "test"], [20, 20, 20]),
        (["Training", "validation"], [20, 10, 10]),
        (["train", "test"], [20, 10, 10]),
    ],
)
def test_ready_splits_are_kept_and_what_is_missing_is_half_of_the_other(tmp_path, parts, expected):
    colours = {
        (part, name): (80 * p + 40, 200 * c, 0) for p, part in enumerate(parts) for c, name in enumerate(CLASSES)
    }
    members = {
        f"{part}/{name}/{i}.jpg": made.painted(colour) for (part, name), colour in colours.items() for i in range(10)
    }
    dataset = prepared(tmp_path, "folder", path=str(write(tmp_path / "photos", members)))
    assert dataset.classes == CLASSES and counts(dataset) == expected
    np.testing.assert_array_equal(dataset.images[:, 1, 32, 32] > 100, dataset.labels == 1)
    trained_on = dataset.images[:, 0, 32, 32] < 80
    np.testing.assert_array_equal(trained_on, dataset.split == 0)


@pytest.mark.parametrize("pack", [made.zip_, made.tar])
def test_an_archive_of_a_folder_is_that_folder(tmp_path, pack):
    members = photographs("cat", "dog")
    plain = prepared(tmp_path, "folder", path=str(write(tmp_path / "photos", members)))
    junk = {"__MACOSX/photos/cat/._0.jpg": b"x"}
    packed = pack({f"photos/{name}": content for name, content in members.items()} | junk)
    (tmp_path / "photos.archive").write_bytes(packed)
    assert prepared(tmp_path, "folder", path=str(tmp_path / "photos.archive")).fingerprint == plain.fingerprint
    assert prepared(tmp_path, "folder", packed).fingerprint == plain.fingerprint


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (
            {"cat/1.jpg": b"x"},
            r"needs two or more classes, each with images to train on; found the class folders \(none\)",
        ),
        (photographs("cat") | {"dog/readme.txt": b""}, "'dog' has none"),
        (photographs("train/cat", "test/cat"), "needs two or more classes"),
        (photographs("train/cat", "test/cat", "test/dog"), "'dog' has none"),
    ],
)
def test_a_folder_without_two_classes_is_refused(tmp_path, members, words):
    with pytest.raises(GradflowError, match=f"datasets.zoo: .*{words}"):
        prepared(tmp_path, "folder", path=str(write(tmp_path / "photos", members)))


def test_links_to_class_folders_are_followed(tmp_path):
    write(tmp_path / "photos", photographs("cat", "dog"))
    write(tmp_path / "elsewhere", photographs("bird"))
    (tmp_path / "photos" / "bird").symlink_to(tmp_path / "elsewhere" / "bird")
    (tmp_path / "photos" / "cat" / "loop").symlink_to(tmp_path / "photos" / "cat")
    dataset = prepared(tmp_path, "folder", path=str(tmp_path / "photos"))
    assert dataset.classes == ("bird", "cat", "dog") and len(dataset.labels) == 30


def test_a_class_that_only_had_damaged_images_is_not_dropped_in_silence(tmp_path):
    members = photographs("cat", "dog") | {f"emu/{i}.jpg": b"not an image" for i in range(3)}
    with pytest.raises(GradflowError, match="'emu' has none"):
        prepared(tmp_path, "folder", path=str(write(tmp_path / "photos", members)), drop_damaged=3)


def test_a_zip_that_was_replaced_is_read_anew(tmp_path):
    versions = [photographs("cat", "dog"), photographs("dog", "cat")]
    first, second = (prepared(tmp_path, "folder", made.zip_(members)).fingerprint for members in versions)
    assert first != second


def test_a_path_that_is_neither_folder_nor_archive_is_refused(tmp_path):
    with pytest.raises(GradflowError, match="neither a folder nor a zip or tar archive"):
        prepared(tmp_path, "folder", path=str(write(tmp_path, {"photos.rar": b"Rar!"}) / "photos.rar"))


def test_what_an_earlier_attempt_left_is_cleared_away(tmp_path):
    write(tmp_path / "out" / ".making", {"images.npy": b"half", "unpacked/cat/0.jpg": b"half"})
    prepared(tmp_path, "folder", path=str(write(tmp_path / "photos", photographs("cat", "dog"))))


@pytest.mark.parametrize(
    ("images", "right"),
    [
        (np.zeros((4, 1, 8, 8), np.uint8), True),
        (np.zeros((4, 3, 8, 8), np.uint8), False),
        (np.zeros((4, 1, 8, 8), np.float32), False),
        (np.zeros((4, 8, 8), np.uint8), False),
        (np.zeros((3, 1, 8, 8), np.uint8), False),
    ],
    ids=["grey bytes", "other channels", "floats", "no channels", "fewer than labels"],
)
def test_images_of_another_form_than_the_source_says_are_refused_not_converted(images, right):
    content = Content(images, np.array([0, 1, 0, 1]), np.zeros(4, np.int8), ["a", "b"])
    if right:
        check_form(content, channels=1)
    else:
        with pytest.raises(GradflowError, match=r"must be files or uint8 \[N, 1, height, width\]"):
            check_form(content, channels=1)


def test_what_is_said_of_a_source_before_it_is_prepared_is_what_comes_out(tmp_path):
    digits = prepared(tmp_path, "digits", size=32)
    assert get_source("digits").training_images({"size": 32}) == len(digits.indices("train"))
    groups = {"low": ["n1", "n2", "n3"], "high": ["n4"]}
    split = stratified_split(np.repeat([0, 1], [1500, 500]))
    assert get_source("tiny_imagenet").training_images({"groups": groups}) == (split == 0).sum()
    assert get_source("tiny_imagenet").training_images({"groups": None}) == 100_000
