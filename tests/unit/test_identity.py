"""What a data set is made from: the same files elsewhere, later or packed otherwise are the same, others are not."""

import os
import shutil
import time

import pytest

import archives as made
from gradflow.data import identity
from gradflow.data.identity import content_digest

FILES = {f"{name}/{i}.png": f"{name}{i}".encode() for name in ("cat", "dog") for i in range(3)}


def write(folder, files=FILES):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def photos(tmp_path):
    return write(tmp_path / "photos")


def test_times_junk_and_place_do_not_count(photos, cache, tmp_path):
    before = content_digest(photos, cache)
    os.utime(photos / "cat" / "1.png", (1, 1))
    write(photos, {".DS_Store": b"x", "cat/Thumbs.db": b"x", "dog/@eaDir/0.png": b"x", "cat/._0.png": b"x"})
    assert content_digest(photos, cache) == before
    moved = shutil.move(photos, tmp_path / "ü elsewhere")
    assert content_digest(moved, cache) == content_digest(tmp_path / "ü elsewhere" / ".", cache) == before


@pytest.mark.parametrize("pack", [made.zip_, made.tar, lambda files: made.tar(files, "gz")])
@pytest.mark.parametrize("above", ["", "photos/"])
def test_an_archive_of_a_folder_is_the_same_data(photos, cache, tmp_path, pack, above):
    archive = tmp_path / "packed"
    archive.write_bytes(pack({above + name: content for name, content in FILES.items()}))
    assert content_digest(archive, cache) == content_digest(photos, cache)
    assert not list(cache.rglob("*.tar"))  # what it was decompressed into
    archive.write_bytes(pack({above + name: content[::-1] for name, content in FILES.items()}))
    assert content_digest(archive, cache) != content_digest(photos, cache)


@pytest.mark.parametrize(
    "change",
    [
        lambda photos: (photos / "cat" / "0.png").write_bytes(b"cat9"),  # of the same size
        lambda photos: (photos / "cat" / "0.png").rename(photos / "dog" / "9.png"),
        lambda photos: (photos / "cat").rename(photos / "lynx"),
        lambda photos: (photos / "cat" / "0.png").unlink(),
        lambda photos: shutil.copy(photos / "cat" / "0.png", photos / "cat" / "9.png"),
    ],
    ids=["content", "label", "class", "one less", "one more"],
)
def test_another_content_label_or_number_of_images_is_another_data_set(photos, cache, change):
    before = content_digest(photos, cache)
    change(photos)
    assert content_digest(photos, cache) != before


def test_only_what_has_changed_is_read_again(photos, cache, monkeypatch):
    read, hashed = [], identity._hash
    monkeypatch.setattr(identity, "_hash", lambda file: read.append(file.name) or hashed(file))
    monkeypatch.setattr(identity, "UNSETTLED", 0)
    first = content_digest(photos, cache)
    assert len(read) == len(FILES) and content_digest(photos, cache) == first and len(read) == len(FILES)
    times = os.stat(photos / "cat" / "0.png")
    (photos / "cat" / "0.png").write_bytes(b"tac0")
    os.utime(photos / "cat" / "0.png", ns=(times.st_atime_ns, times.st_mtime_ns))  # of the same size and time
    assert content_digest(photos, cache) != first and read[len(FILES) :] == ["cat/0.png"]


def test_a_file_that_is_still_being_written_is_not_believed(photos, cache):
    content_digest(photos, cache)
    assert not list(cache.rglob("*.json")) and time.time() - os.stat(photos / "cat").st_mtime < 2


def test_a_cache_that_is_damaged_or_cannot_be_written_changes_nothing(photos, cache, monkeypatch, tmp_path):
    monkeypatch.setattr(identity, "UNSETTLED", 0)
    before = content_digest(photos, cache)
    (kept,) = cache.rglob("*.json")
    kept.write_text("{")
    (tmp_path / "file").touch()
    assert content_digest(photos, cache) == content_digest(photos, tmp_path / "file") == before


def test_a_link_to_nowhere_is_a_file_that_cannot_be_read(photos, cache):
    before = content_digest(photos, cache)
    (photos / "cat" / "9.png").symlink_to("nowhere")
    assert content_digest(photos, cache) != before


def test_a_single_file_is_known_by_its_bytes(cache, tmp_path):
    (tmp_path / "table.csv").write_bytes(b"1,2")
    before = content_digest(tmp_path / "table.csv", cache)
    (tmp_path / "table.csv").rename(tmp_path / "other.csv")
    assert content_digest(tmp_path / "other.csv", cache) == before
