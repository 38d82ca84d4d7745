"""Decoding: each file's pixels in its own row, the same with one process and with three; damage is named."""

import io

import numpy as np
import pytest
from PIL import Image

import archives as made
from gradflow import GradflowError
from gradflow.data import store
from gradflow.data.archives import Member, members
from gradflow.data.decode import decode, side_to_store
from gradflow.data.prepare import prepare


@pytest.fixture
def photos(tmp_path):
    """30 photographs a class, of one size."""
    generator = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(30):
            (tmp_path / "photos" / name / f"{i:02}.jpg").write_bytes(made.photograph(generator, 24, 36))
    return tmp_path / "photos"


def prepared(photos, out, workers=1, **settings):
    prepare(out, "zoo", {"source": "folder", "path": str(photos), "size": 48} | settings, workers=workers)
    return store.load_dataset(out)


def test_several_processes_give_the_same_bytes_as_one(photos, tmp_path):
    prepared(photos, tmp_path / "one"), prepared(photos, tmp_path / "three", workers=3)
    for file in store.FILES:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "three" / file).read_bytes()


def test_images_of_one_size_are_stored_at_it_and_others_are_resized_once(photos, tmp_path):
    files = members(photos, tmp_path / "scratch")
    assert side_to_store(files, 48, 1) == (24, 36)
    assert side_to_store(files, 24, 1) == (24, 24)  # stored no larger than networks see them
    (photos / "cat" / "00.jpg").write_bytes(made.photograph(np.random.default_rng(1), 50, 20))
    assert side_to_store(files, 48, 1) == (48, 48)
    dataset = prepared(photos, tmp_path / "out")
    for row in (0, 1, 31):
        with Image.open(files[row].container) as image:
            expected = np.asarray(image.resize((48, 48), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
        np.testing.assert_array_equal(dataset.images[row], expected)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1"])
def test_every_kind_of_pixel_becomes_rgb(tmp_path, mode):
    generator = np.random.default_rng(0)
    image = Image.fromarray(generator.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    image = image.convert(mode)
    file = tmp_path / ("image.jpg" if mode == "CMYK" else "image.png")
    image.save(file)
    assert decode([Member(file.name, str(file))], tmp_path / "out.npy", (8, 8), 1) == []
    with Image.open(file) as opened:
        expected = np.asarray(opened.convert("RGB")).transpose(2, 0, 1)
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy")[0], expected)


def damage(photos) -> list[str]:
    whole = (photos / "cat" / "03.jpg").read_bytes()
    (photos / "cat" / "03.jpg").write_bytes(whole[: len(whole) // 2])
    (photos / "dog" / "07.jpg").write_bytes(b"not an image")
    (photos / "dog" / "29.jpg").write_bytes(b"")
    stream = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(stream, "PNG")  # a few kilobytes that unpack to a gigabyte
    (photos / "cat" / "11.jpg").write_bytes(stream.getvalue())
    return ["cat/03.jpg", "cat/11.jpg", "dog/07.jpg", "dog/29.jpg"]


@pytest.mark.parametrize("workers", [1, 2])
def test_damaged_images_are_named_and_stop_the_job(photos, tmp_path, workers, capfd):
    names = damage(photos)
    words = r"4 of 60 images .*'zoo' cannot be decoded \(cat/03\.jpg, cat/11\.jpg, dog/07\.jpg, \.\.\.; the log has all"
    with pytest.raises(GradflowError, match=words) as caught:
        prepared(photos, tmp_path / "out", workers, drop_damaged=3)
    assert "\n" not in str(caught.value) and "datasets.zoo.drop_damaged to 4" in str(caught.value)
    assert not any((tmp_path / "out").glob("*"))
    said = capfd.readouterr()
    assert all(f"damaged: {name}: " in said.out + said.err for name in names)


def test_damaged_images_may_be_dropped_and_are_reported(photos, tmp_path):
    names = damage(photos)
    dataset = prepared(photos, tmp_path / "out", drop_damaged=4)
    assert len(dataset.labels) == len(dataset.images) == 56 and np.bincount(dataset.labels).tolist() == [28, 28]
    assert dataset.dropped == tuple(names)
    left = [file for file in sorted(photos.rglob("*.jpg")) if str(file.relative_to(photos)) not in names]
    for row in (0, 3, 30, 55):
        with Image.open(left[row]) as image:
            expected = np.asarray(image.resize(dataset.images.shape[:1:-1], Image.Resampling.BILINEAR))
        np.testing.assert_array_equal(dataset.images[row], expected.transpose(2, 0, 1))


def test_statistics_are_those_of_the_training_pixels(photos, tmp_path):
    dataset = prepared(photos, tmp_path / "out")
    pixels = dataset.images[dataset.split == 0].astype(np.float64) / 255
    mean, std = store.channel_statistics(dataset.images, dataset.split == 0)
    np.testing.assert_allclose(mean, pixels.mean((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(std, pixels.std((0, 2, 3)), rtol=1e-12)
