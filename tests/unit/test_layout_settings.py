"""What is left out of a folder is said, its settings mean what they say, and a link loses no class."""

import io
import tarfile

import pytest

import archives as made
from folders_of_images import CLASSES, counts, files, on_disk, read
from gradflow import GradflowError
from gradflow.data.content import thin_classes
from gradflow.data.sources import get_source

TEN = range(10)


def test_a_class_that_is_too_small_for_a_split_is_named(tmp_path):
    small = files("cat", "dog") | files("emu", count=1) | files("owl", count=2) | files("yak", count=4)
    assert thin_classes(read(on_disk(tmp_path / "photos", small), tmp_path)) == [
        "There is no validation image of these classes (images in all): emu (1), yak (4).",
        "There is no test image of these classes (images in all): emu (1), owl (2).",
    ]


def test_patterns_leave_out_files_and_folders_and_say_how_many(tmp_path):
    photos = on_disk(tmp_path / "photos", files("cat", "dog", "cat/thumbs", "seg_pred") | {"dog/0_mask.png": b""})
    content = read(photos, tmp_path, exclude=["thumbs", "*_mask.png", "seg_*/"])
    assert counts(content) == CLASSES
    assert content.left_out == {"excluded by thumbs": 10, "excluded by *_mask.png": 1, "excluded by seg_*/": 10}
    assert counts(read(photos, tmp_path, exclude=["cat/th*", "dog/*_mask.png", "seg_pred"])) == CLASSES
    with pytest.raises(GradflowError, match="exclude has '/dog', which matches nothing"):
        read(photos, tmp_path, exclude=["/dog"])


def test_shares_are_those_asked_for_where_there_are_no_ready_splits(tmp_path):
    photos = on_disk(tmp_path / "photos", files("cat", "dog"))
    assert counts(read(photos, tmp_path, shares=[0.5, 0.2, 0.3])) == {"cat": [5, 2, 3], "dog": [5, 2, 3]}
    ready = on_disk(tmp_path / "ready", files("train/cat", "train/dog", "test/cat", "test/dog"))
    with pytest.raises(GradflowError, match="shares is for images without ready splits"):
        read(ready, tmp_path, shares=[0.5, 0.2, 0.3])


@pytest.mark.parametrize(
    "shares", [[0.7, 0.3], [0.7, 0.3, 0.0], [0.7, 0.2, 0.2], [70, 15, 15], [0.7, 0.15, float("nan")]]
)
def test_shares_that_are_none_are_refused_before_anything_runs(tmp_path, shares):
    with pytest.raises(GradflowError, match=r"shares is .*; give three positive numbers that add up to 1"):
        get_source("folder").check({"path": str(tmp_path), "download": None, "shares": shares})


def test_at_most_so_many_images_of_a_class_are_drawn(tmp_path):
    photos = on_disk(tmp_path / "photos", files("cat", count=100) | files("dog", count=12))
    content = read(photos, tmp_path, max_per_class=20)
    assert (
        counts(content) == {"cat": [14, 3, 3], "dog": [8, 2, 2]}
        and content.left_out["images beyond max_per_class"] == 80
    )
    drawn = [int(image.name[4:-4]) for image in content.images[:20]]
    assert drawn == sorted(drawn, key=str) and max(drawn) > 50 and len(set(drawn)) == 20
    ready = on_disk(
        tmp_path / "ready", files("train/cat", "train/dog", count=60) | files("test/cat", "test/dog", count=20)
    )
    assert counts(read(ready, tmp_path, max_per_class=20)) == {"cat": [15, 2, 3], "dog": [15, 2, 3]}


@pytest.mark.parametrize(("link", "target"), [("emu", "cat"), ("cat/old", "dog"), ("emu", "nowhere")])
def test_a_link_that_may_stand_for_a_class_is_named(tmp_path, link, target):
    photos = on_disk(tmp_path / "photos", files("cat", "dog"))
    (photos / link).symlink_to(photos / target)
    with pytest.raises(GradflowError, match=f"'{link}' is a link to .*{target}', which is .*: remove it, or put"):
        read(photos, tmp_path)
    assert counts(read(photos, tmp_path, exclude=[link])) == CLASSES


def test_an_image_that_links_bring_in_twice_is_named(tmp_path):
    photos = on_disk(tmp_path / "photos", files("all", count=20))
    for i in range(20):
        link = photos / "sorted" / ("odd" if i % 2 else "even") / f"{i}.png"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(photos / "all" / f"{i}.png")
    with pytest.raises(
        GradflowError, match=r"'sorted/even/0\.png' and 'all/0\.png' are one file by a link: remove one"
    ):
        read(photos, tmp_path)
    assert counts(read(photos, tmp_path, exclude=["all"])) == {"even": [7, 1, 2], "odd": [7, 1, 2]}


def linked(name, target):
    """A tar of two classes and a link."""
    stream = io.BytesIO(made.tar({f"zoo/{path}": b"" for path in files("cat", "dog")}, ""))
    with tarfile.open(fileobj=stream, mode="a") as archive:
        info = tarfile.TarInfo(f"zoo/{name}")
        info.type, info.linkname = tarfile.SYMTYPE, target
        archive.addfile(info)
    return stream.getvalue()


def test_a_link_in_a_tar_is_a_damaged_file_and_a_class_is_named(tmp_path):
    (tmp_path / "tar").write_bytes(linked("cat/link.png", "0.png"))
    assert counts(read(tmp_path / "tar", tmp_path))["cat"] == [8, 1, 2]
    (tmp_path / "tar").write_bytes(linked("notes.txt", "notes"))
    assert read(tmp_path / "tar", tmp_path).left_out == {".txt": 1}
    for name in ("emu", "emu.2"):
        (tmp_path / "tar").write_bytes(linked(name, "cat"))
        with pytest.raises(GradflowError, match=f"'{name}' is a link to 'cat', which is here already"):
            read(tmp_path / "tar", tmp_path)


def test_the_table_that_is_asked_for_wins_over_folders(tmp_path):
    rows = [f"{name}/{i}.png,{'even' if i % 2 == 0 else 'odd'}" for name in ("cat", "dog") for i in TEN]
    photos = on_disk(
        tmp_path / "photos", files("cat", "dog") | {"parity.csv": "\n".join(["file,label", *rows]).encode()}
    )
    assert list(counts(read(photos, tmp_path, labels="parity.csv"))) == ["even", "odd"]
    with pytest.raises(GradflowError, match=r"labels is 'other\.csv', but it is not there"):
        read(photos, tmp_path, labels="other.csv")
