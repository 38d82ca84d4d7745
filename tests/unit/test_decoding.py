"""Decoding: each file's pixels in its own row, the same with one process and with three; damage is named."""

import io
import json
from collections import Counter

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

import archives as made
from gradflow import GradflowError
from gradflow.data import store
from gradflow.data.archives import members
from gradflow.data.decode import decode, side_to_store
from gradflow.data.members import Member
from gradflow.data.pixels import sayings
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


def file_of(image, path, **options) -> list[Member]:
    image.save(path, **options)
    return [Member(path.name, str(path))]


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bits_of_grey_keep_their_upper_eight(tmp_path, suffix):
    levels = np.arange(0, 65536, 1024, dtype=np.uint16).reshape(8, 8) + 255
    seen = Counter()
    files = file_of(Image.fromarray(levels), tmp_path / f"deep.{suffix}")
    assert decode(files, tmp_path / "out.npy", (8, 8), 1, seen=seen) == []
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy")[0], [levels >> 8] * 3)
    assert sayings(seen) == ["Images with 16 bits of grey, of which the upper 8 are kept: 1."]


def test_a_tiff_that_is_white_at_zero_is_not_taken_for_its_negative(tmp_path):
    levels = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000
    files = file_of(Image.fromarray(levels), tmp_path / "x.tif", tiffinfo={262: 0})
    assert decode(files, tmp_path / "out.npy", (8, 8), 1) == []
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy")[0, 0], (65535 - levels) >> 8)


@pytest.mark.parametrize(("kind", "words"), [(np.int32, "whole numbers of 32 bits"), (np.float32, "floats")])
def test_pixels_of_unknown_range_are_damaged(tmp_path, kind, words):
    files = file_of(Image.fromarray(np.arange(64, dtype=kind).reshape(8, 8)), tmp_path / "x.tif")
    ((row, reason),) = decode(files, tmp_path / "out.npy", (8, 8), 1)
    assert row == 0 and words in reason and reason.endswith("save them with 8 or 16 bits")


def test_sixteen_bits_that_hold_twelve_are_refused(photos, tmp_path):
    levels = np.arange(64, dtype=np.uint16).reshape(8, 8) * 64
    for i in range(10):
        file_of(Image.fromarray(levels + i), photos / "dog" / f"{i}.png")
    with pytest.raises(
        GradflowError, match=r"datasets\.zoo: all 10 images with 16 bits of grey stay below a sixteenth"
    ):
        prepared(photos, tmp_path / "out")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_are_turned_where_that_is_asked_for(tmp_path, orientation):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    files = file_of(image, tmp_path / "x.png", exif=exif)
    for turn in (False, True):
        with Image.open(files[0].container) as opened:
            expected = np.asarray(ImageOps.exif_transpose(opened) if turn else opened).transpose(2, 0, 1)
        seen, shape = Counter(), side_to_store(files, 16, 1, turn=turn)
        assert shape == expected.shape[1:] and decode(files, tmp_path / "out.npy", shape, 1, None, turn, seen) == []
        np.testing.assert_array_equal(np.load(tmp_path / "out.npy")[0], expected)
        assert seen == ({} if orientation == 1 else {"turned" if turn else "not turned": 1})


def test_hidden_colours_and_further_pictures_are_counted(photos, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (24, 36, 4), dtype=np.uint8)
    file_of(Image.fromarray(noise), photos / "cat" / "a.png")
    file_of(Image.fromarray(noise | np.array([0, 0, 0, 255], np.uint8)), photos / "cat" / "b.png")
    pictures = [Image.fromarray(noise[:, :, :3] // part) for part in (1, 2)]
    file_of(pictures[0], photos / "cat" / "c.tif", save_all=True, append_images=pictures[1:])
    prepared(photos, tmp_path / "out", workers=2)
    assert json.loads((tmp_path / "out" / "dataset.json").read_text())["notes"] == [
        "Images with transparent pixels, whose hidden colour is seen: 1.",
        "Files with more than one picture, of which the first is taken: 1.",
    ]


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
