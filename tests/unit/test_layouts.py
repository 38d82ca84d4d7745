"""The grammar of folder layouts: what is surely meant is read, and what is not is one sentence."""

import pytest

import archives as made
from folders_of_images import CLASSES, counts, files, on_disk, read
from gradflow import GradflowError
from gradflow.data.splits import SPLITS, split_named

TEN = range(10)
BOTH = {"cat": [10, 10, 10], "dog": [10, 10, 10]}
HALVED = {"cat": [10, 5, 5], "dog": [10, 5, 5]}


def split_folders(*tops, classes=("cat", "dog"), inside=""):
    return files(*(f"{top}/{inside}{name}" for top in tops for name in classes))


def table(head, rows):
    return "\n".join([head, *rows]).encode()


LOOSE = {f"images/{i}.png": b"" for i in range(20)}
UNDERSTOOD = {
    "class folders": (files("cat", "dog"), CLASSES),
    "images deeper in a class": (files("cat/2020/may", "dog"), CLASSES),
    "usual names": (split_folders("train", "val", "test"), BOTH),
    "other names": (split_folders("Training", "dev", "testing"), BOTH),
    "after a prefix": (split_folders("seg_train", "seg_test"), HALVED),
    "before a suffix": (split_folders("train_set", "valid-images", "test2017"), BOTH),
    "a wrapper in each split": (split_folders("seg_train", "seg_test", inside="seg_it/"), HALVED),
    "splits inside classes": (files("cat/train", "cat/test", "dog/train", "dog/test"), HALVED),
    "one wrapper": (files("a/b/cat", "a/b/dog"), CLASSES),
    "a wrapper beside a text": (files("photos/cat", "photos/dog") | {"README.md": b"", "license": b""}, CLASSES),
    "wrapped splits beside a text": (split_folders("x/train", "x/val", "x/test") | {"x.txt": b""}, BOTH),
    "what systems leave": (
        files("cat", "dog", "@eaDir", "cat/@eaDir", "$RECYCLE.BIN", "lost+found", "__MACOSX/cat", ".trash")
        | {"Thumbs.db": b"", "cat/desktop.ini": b"", "dog/.DS_Store": b"", "cat/._0.png": b""},
        CLASSES,
    ),
    "classes with a folder called train": (files("bus", "train"), {"bus": [7, 1, 2], "train": [7, 1, 2]}),
    "a class of what is valid": (files("valid", "invalid"), {"invalid": [7, 1, 2], "valid": [7, 1, 2]}),
    "a class with a folder called train in it": (
        files("land/train", "land/bus", "sea"),
        {"land": [14, 3, 3], "sea": [7, 1, 2]},
    ),
    "classes that end in test": (files("crash_test", "drop_test"), {"crash_test": [7, 1, 2], "drop_test": [7, 1, 2]}),
    "a table": (
        LOOSE | {"labels.csv": table("file,label", [f"images/{i}.png,{'dog' if i % 2 else 'cat'}" for i in range(20)])},
        CLASSES,
    ),
    "a table of names, other columns and marks": (
        {f"x/{name}": b"" for name in LOOSE}
        | {
            "x/Labels.csv": b"\xef\xbb\xbf"
            + table("id;Label;File", [f"7;{'cdaotg'[i % 2 :: 2]};{i}.png" for i in range(20)])
        }
        | {"README": b""},
        CLASSES,
    ),
    "a table with splits": (
        LOOSE
        | {
            "labels.csv": table(
                "label,split,file",
                [f"{'dog' if i % 2 else 'cat'},{'train' if i < 12 else 'Test'},images\\{i}.png" for i in range(20)],
            )
        },
        {"cat": [6, 2, 2], "dog": [6, 2, 2]},
    ),
}


@pytest.mark.parametrize("form", ["folder", "zip", "tar"])
@pytest.mark.parametrize("name", UNDERSTOOD)
def test_a_layout_is_understood_wherever_it_lies(tmp_path, name, form):
    contents, expected = UNDERSTOOD[name]
    source = tmp_path / "source"
    if form == "folder":
        on_disk(source, contents)
    else:
        source.write_bytes(made.zip_(contents) if form == "zip" else made.tar(contents, ""))
    content = read(source, tmp_path)
    found = counts(content)
    assert {name: sum(parts) for name, parts in found.items()} == {name: sum(parts) for name, parts in expected.items()}
    assert {name: parts[0] for name, parts in found.items()} == {name: parts[0] for name, parts in expected.items()}
    for image, label, split in zip(content.images, content.labels, content.split):
        parts = image.name.split("/")
        if "table" in name:
            assert content.classes[label] == ("dog" if int(parts[-1].removesuffix(".png")) % 2 else "cat")
        else:
            assert content.classes[label] in parts
            # No training image is held out.
            assert split == 0 or "folder called" in name or not any(split_named(part) == 0 for part in parts[:-1])


REFUSED = {
    "no classes in splits": (
        {f"train/{name}.{i}.png": b"" for name in ("cat", "dog") for i in TEN} | files("test"),
        r"'(train|test)' is called as a split is, but its \d+ images are in no class folders; expected",
    ),
    "test without classes": (split_folders("train") | files("test"), "'test' is called as a split is, but its 10"),
    "test beside classes": (files("cat", "dog", "test"), "ready splits are in .* but here are cat, dog, test"),
    "an unknown split": (split_folders("train", "test", "holdout"), "but here are holdout, test, train: rename"),
    "a class beside a split": (
        files("cat", "train/cat", "train/dog") | {"train/x.png": b""},
        "but here are cat, train: rename what does",
    ),
    "classes called as splits are": (
        files("train/train", "train/test", "crash_test/train", "crash_test/test"),
        "either may be the classes: rename the classes",
    ),
    "something to predict": (split_folders("seg_train", "seg_test") | files("seg_pred"), "but here are seg_pred"),
    "no training images": (split_folders("val", "test"), "ready splits without training images: here are test, val"),
    "two of one split": (split_folders("train", "val", "validation"), "val, validation are all called as validation"),
    "an unknown class": (split_folders("train", "val") | files("val/emu"), "'emu' has none: it is a class of the val"),
    "another spelling": (files("train/Cat", "train/dog", "test/cat", "test/dog"), "'cat' has none: .* are Cat, dog;"),
    "splits in some classes": (files("cat/train", "cat/test", "dog"), "dog has other folders or images beside"),
    "a class of test images alone": (files("cat/train", "dog/test"), "'dog' has none"),
    "one class": (files("cat"), r"found the class folders \(none\), and loose images \(10\)"),
    "archives in a folder": ({"a.zip": b"", "b.zip": b""}, r"found the class folders \(none\), and .zip \(2\)"),
    "a wrapper beside images": (files("a/cat", "a/dog") | {"x.png": b""}, r"found the class folders a, and loose"),
    "other kinds of images": (files("cat", "dog") | files("emu", kind="gif"), r"'emu' has none \(10 .gif\): convert"),
    "a folder of texts": (files("cat", "dog") | files("notes", kind="xml"), r"'notes' has none \(10 .xml\)"),
    "detection": (files("images/train", "images/val") | files("labels/train", kind="txt"), "'labels' has none"),
    "not UTF-8": ({b"caf\xe9/%d.png" % i: b"" for i in TEN} | files("dog"), r"class 'caf\\udce9' is not UTF-8"),
    "a table and folders": (files("cat", "dog") | {"labels.csv": b"file,label\n"}, "both 'labels.csv' and folders"),
    "a table without head": (LOOSE | {"labels.csv": b"images/1.png,cat\n"}, "must name the columns file and label"),
    "a table that is no text": (LOOSE | {"labels.csv": b"file,label\n\xff,1"}, "cannot be read as UTF-8"),
    "a table of what is not there": (LOOSE | {"labels.csv": b"file,label\n0.png,a\n20.png,a"}, "line 3: '20.png' is"),
    "a table that says it twice": (LOOSE | {"labels.csv": b"file,label\n0.png,a\nimages/0.png,b"}, "is on line 2, too"),
    "a table without a label": (LOOSE | {"labels.csv": b"file,label\n0.png, \n"}, "line 2: a label, or a split"),
    "a table without a split": (LOOSE | {"labels.csv": b"file,label,split\n0.png,a,new\n"}, "line 2: a label, or a"),
    "a table that trains not all": (
        LOOSE | {"labels.csv": b"file,label,split\n0.png,a,train\n1.png,b,test"},
        "'b' has no training image",
    ),
    "a short row": (LOOSE | {"labels.csv": b"file,label\n0.png\n"}, "line 2: it has fewer columns"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_be_read_in_two_ways_is_one_sentence(tmp_path, name):
    contents, words = REFUSED[name]
    with pytest.raises(GradflowError, match=words) as caught:
        read(on_disk(tmp_path / "photos", contents), tmp_path)
    assert "\n" not in str(caught.value)


def test_what_is_left_out_is_counted(tmp_path):
    odd = {"cat/a.gif": b"", "cat/b.HEIC": b"", "dog/c": b"", "x.png": b"", "dog/README": b"", "emu/": b""}
    content = read(on_disk(tmp_path / "photos", files("cat", "dog") | odd), tmp_path)
    assert counts(content) == CLASSES and content.notes == ("Empty folders are no classes: emu.",)
    expected = {".gif": 1, ".heic": 1, "files without an extension": 2, "loose images": 1, "empty folders": 1}
    assert content.left_out == expected
    (tmp_path / "zip").write_bytes(made.zip_(files("cat", "dog") | odd))
    assert read(tmp_path / "zip", tmp_path).left_out == expected
    content = read(on_disk(tmp_path / "split", split_folders("train", "test") | {"train/x.png": b""}), tmp_path)
    assert content.left_out == {"loose images": 1} and counts(content) == HALVED
    content = read(
        on_disk(tmp_path / "table", LOOSE | {"labels.csv": b"file,label\n0.png,a\n1.png,b", "notes.txt": b""}), tmp_path
    )
    assert content.left_out == {".txt": 1, "images that the table does not name": 18}


@pytest.mark.parametrize("name", ["latest", "contest", "trains", "pretraining", "validity", "tests", "train_a", ""])
def test_not_all_that_sounds_alike_is_a_split(name):
    assert split_named(name) is None


def test_names_of_splits():
    named = {
        "train": 0,
        "TRAIN": 0,
        "x-train": 0,
        "trainset": 0,
        "dev": 1,
        "val2017": 1,
        "my test data": 2,
        "test_": None,
    }
    assert {name: split_named(name) for name in named} == named and len(SPLITS) == 3
