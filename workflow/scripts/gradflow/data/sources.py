"""Where images come from: the embedded digits, or a folder of class folders."""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from gradflow.data.arrays import save, stratified_split
from gradflow.errors import GradflowError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm")


def prepare(folder: Path, name: str, settings: dict) -> None:
    """Prepare the data set `name`, described by its settings in the config, into `folder`."""
    size = settings["size"]
    if settings["source"] == "digits":
        images, labels, classes = digits(size)
    else:
        images, labels, classes = image_folder(Path(settings["path"]), size)
    save(folder, name, images, labels, stratified_split(labels), classes)


def listing(settings: dict) -> str:
    """Return a digest of what a source holds, for a folder its files' names, sizes and times."""
    if settings["source"] != "folder":
        return settings["source"]
    folder = Path(settings["path"])
    facts = sorted(
        (str(file.relative_to(folder)), file.stat().st_size, file.stat().st_mtime_ns)
        for file in folder.rglob("*")
        if file.is_file()
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def digits(size: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return scikit-learn's 1,797 handwritten digits as grey RGB images uint8 [N, 3, size, size].

    They come as 8×8 counts of 0 ... 16 (Alpaydin & Kaynak 1998) and are enlarged bilinearly.
    """
    from sklearn.datasets import load_digits

    raw = load_digits()
    grey = np.round(raw.images * (255 / 16)).astype(np.uint8)
    enlarged = [np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR)) for image in grey]
    images = np.repeat(np.stack(enlarged)[:, None], 3, axis=1)
    return images, raw.target.astype(np.int64), [str(digit) for digit in raw.target_names]


def image_folder(folder: Path, size: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return the images under `folder`/<class>/, decoded to RGB and resized, uint8 [N, 3, size, size].

    Raises GradflowError if the folder or its class folders are missing, or an image cannot be decoded.
    """
    if not folder.is_dir():
        raise GradflowError(f"{folder} is not a folder: point the data set's `path` at a folder of class folders.")
    classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    files = [
        (file, label)
        for label, name in enumerate(classes)
        for file in sorted((folder / name).iterdir())
        if file.suffix.lower() in IMAGE_SUFFIXES
    ]
    found = {label for _, label in files}
    if len(classes) < 2 or len(found) < len(classes):
        empty = next((name for label, name in enumerate(classes) if label not in found), None)
        what = f"{empty!r} holds no images directly" if empty else f"found {len(classes)} class folders"
        raise GradflowError(f"{folder} needs two or more class folders with images right in them; {what}.")
    images = np.empty((len(files), 3, size, size), np.uint8)
    for row, (file, _) in enumerate(tqdm(files, desc=f"decoding {folder.name}", unit="image", disable=None)):
        try:
            with Image.open(file) as image:
                small = image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
        except (OSError, ValueError) as error:
            raise GradflowError(f"{file} cannot be decoded ({error}): mend or remove it.") from error
        images[row] = np.asarray(small).transpose(2, 0, 1)
    return images, np.array([label for _, label in files], np.int64), classes
