"""Five hundred random folders of images, of which all is known: right labels and pixels, or a refusal."""

import io
import os
from collections import Counter

import numpy as np
import pytest
from PIL import Image

import archives as made
from folders_of_images import on_disk
from gradflow import GradflowError
from gradflow.data.archives import members
from gradflow.data.decode import decode
from gradflow.data.layouts import read_layout

SIDE, TREES, AT_ONCE = 4, 500, 100
NAMES = ("cat", "dog", "straße", "a b", "x.y", "-1", "01", "猫", "O'Hare", "<b>", "crash_test", "train", "valid", "Cat")
SPLITS = (("train", "val", "test"), ("training", "dev"), ("seg_train", "seg_test"), ("Train", "Validation", "TEST"))
JUNK = (
    "Thumbs.db",
    "{}/@eaDir/a.png",
    "{}/.b.png",
    "__MACOSX/{}/c.png",
    "README.md",
    "{}/notes.txt",
    "{}/d.gif",
    "e.png",
    "f/",
)
BREAKS = (
    None,
    None,
    None,
    None,
    "two of one split",
    "flat",
    "one divided",
    "a folder beside",
    "a class more",
    "no class",
)


def image(draw: np.random.Generator) -> tuple[str, bytes, np.ndarray | None]:
    """A suffix, the bytes of a file, and its pixels uint8 [H, W, 3]; None if it is damaged or its range is not told."""
    levels = draw.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    grey = np.repeat(levels[:, :, :1], 3, axis=2)
    deep = levels[:, :, 0].astype(np.uint16) * 256 + draw.integers(0, 256, (SIDE, SIDE), dtype=np.uint16)
    few = np.array(levels)
    suffix, stored, pixels = (
        ("png", levels, levels),
        ("bmp", levels, levels),
        ("PNG", levels[:, :, 0], grey),
        ("png", deep, grey),
        ("tif", deep, grey),
        ("pgm", deep, grey),
        ("png", np.dstack([levels, levels[:, :, 0]]), levels),  # whatever lies under transparent pixels
        ("png", few, few),
        ("png", levels[:, :, 0] > 127, np.where(grey > 127, 255, 0)),
        ("tif", deep.astype(np.int32), None),
        ("tif", deep.astype(np.float32), None),
    )[draw.integers(11)]
    picture = Image.fromarray(stored)
    if stored is few:
        picture = picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=SIDE**2)
        pixels = np.asarray(picture.convert("RGB"))
    stream = io.BytesIO()
    picture.save(stream, {"tif": "TIFF", "pgm": "PPM"}.get(suffix, suffix))
    content = stream.getvalue()
    if draw.random() < 0.05:
        return suffix, content[: int(draw.integers(0, len(content) // 2))], None
    return suffix, content, pixels


def tree(draw: np.random.Generator) -> tuple[dict[str, bytes], dict[str, tuple], str]:
    """A folder's files; {name of an image: (class, whether it is trained on, pixels)}; and what is wrong with it."""
    classes = draw.choice(NAMES, int(draw.integers(2, 4)), replace=False).tolist()
    layout = str(draw.choice(["classes", "splits", "divided", "table"]))
    splits = SPLITS[draw.integers(len(SPLITS))] if layout in ("splits", "divided") else ("",)
    wrong = BREAKS[draw.integers(len(BREAKS))]
    files, truth, rows = {}, {}, ["file,label"]
    for name in classes:
        for split in splits:
            for _ in range(draw.integers(2, 4)):
                suffix, content, pixels = image(draw)
                file = f"{len(truth)}.{suffix}"
                truth[file] = (name, None if not split else split.lower().endswith(("train", "training")), pixels)
                parts = {"classes": [name], "splits": [split, name], "divided": [name, split], "table": ["images"]}[
                    layout
                ]
                if wrong == "flat" and layout == "splits":
                    parts = [split]
                elif wrong == "one divided" and layout == "divided" and name == classes[0]:
                    parts = [name]
                files["/".join([*parts, file])] = content
                rows.append(f"{file},{name}")
    if layout == "table":
        files["labels.csv"] = "\n".join(rows).encode()
    if wrong == "two of one split" and layout == "splits":
        files[f"train_set/{classes[0]}/g.png"] = b""
    elif wrong == "a folder beside":
        files["holdout/h.png"] = image(draw)[1]
    elif wrong == "a class more" and layout == "splits":
        files[f"{splits[-1]}/emu/i.png"] = image(draw)[1]
    elif wrong == "no class" and layout == "classes":
        files["owl/notes.doc"] = b"x"
    elif not (wrong == "flat" and layout == "splits") and not (wrong == "one divided" and layout == "divided"):
        wrong = None
    for junk in draw.choice(JUNK, int(draw.integers(0, 4)), replace=False):
        files[str(junk).format(classes[0])] = image(draw)[1]
    if draw.random() < 0.3:
        files = {f"wrapper/{name}": content for name, content in files.items()}
    return files, truth, wrong or ""


def check(folder, number: int) -> str:
    """Read one tree, on disk or packed, and hold it against the truth; return what became of it."""
    draw = np.random.default_rng(number)
    files, truth, wrong = tree(draw)
    form = ("folder", "zip", "tar")[draw.integers(3)]
    source = folder / str(number)
    if form == "folder":
        on_disk(source, files)
        if draw.random() < 0.1:
            link = next(name for name in files if os.path.basename(name) == next(iter(truth)))
            (source / link).unlink()
            (source / link).symlink_to("nowhere.png")
            truth[os.path.basename(link)] = (*truth[os.path.basename(link)][:2], None)
    else:
        source.write_bytes(made.zip_(files) if form == "zip" else made.tar(files, ""))
    try:
        content = read_layout(members(source, folder / "scratch"), {})
    except GradflowError as error:
        assert "\n" not in str(error) and len(str(error)) < 600
        return f"refused: {wrong}"
    names = [os.path.basename(file.name) for file in content.images]
    extra = set(names) - truth.keys()
    assert Counter(names) == Counter([*truth, *extra]), "an image vanished, or is there twice"
    assert not extra or (wrong == "a folder beside" and extra == {"h.png"}), (
        extra
    )  # a class that nothing tells from others
    shape = (SIDE, SIDE)
    damaged = {row for row, _ in decode(content.images, folder / "out.npy", shape, workers=1)}
    pixels = np.load(folder / "out.npy").transpose(0, 2, 3, 1)
    for row, name in enumerate(names):
        if name in extra:
            continue
        label, trained, expected = truth[name]
        assert content.classes[content.labels[row]] == label
        assert trained is None or trained == (content.split[row] == 0)
        assert (row in damaged) == (expected is None), (name, row in damaged)
        if expected is not None:
            np.testing.assert_array_equal(pixels[row], expected)
    return f"read: {wrong}"


@pytest.mark.filterwarnings("ignore::UserWarning")  # what PIL says of damaged files
@pytest.mark.parametrize("first", range(0, TREES, AT_ONCE))
def test_a_random_folder_is_read_right_or_refused(tmp_path, first):
    became = Counter(check(tmp_path, number) for number in range(first, first + AT_ONCE))
    assert became["read: "] > AT_ONCE // 3 and became["refused: "] < AT_ONCE // 5, became
    assert sum(count for what, count in became.items() if what.startswith("refused: ")) > AT_ONCE // 10, became
