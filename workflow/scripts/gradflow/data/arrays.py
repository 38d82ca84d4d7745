"""Arrays of the user's own, from files or from a function, made into what a source holds."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import BaseModel, Field

from gradflow.data.content import Content
from gradflow.data.originals import as_colour
from gradflow.data.splits import SPLITS, complete_split, stratified_split
from gradflow.errors import GradflowError

PARTS = {"images", "labels", "split", "classes"}
IN_SPLITS = {"val": 1} | {name: number for number, name in enumerate(SPLITS)}


class ArraySettings(BaseModel):
    """What the arrays are like."""

    channels: int = Field(
        3, ge=1, le=1024, description="Of the images; grey ones, [N, H, W] or of one channel, become RGB where it is 3."
    )
    range: Annotated[list[float], Field(min_length=2, max_length=2)] | None = Field(
        None,
        description="The values that stand for black and white, such as [0.0, 1.0], of images that are not numbers of "
        "0 to 255; they are kept as bytes.",
    )


def content_of(arrays: Mapping[str, np.ndarray], settings: dict) -> Content:
    """Return what a source holds, made of arrays.

    arrays: images, uint8 [N, H, W], [N, C, H, W] or [N, H, W, C] (where both would do, the channels come first), or of
    other numbers if settings["range"] says what is black and white; labels [N], whole numbers or texts, each distinct
    one a class; perhaps split [N], train, validation and test or 0, 1 and 2 (else 70/15/15 within each class; where
    only one of validation and test is there, it is halved); perhaps classes, the name of each label 0 ... n - 1.

    Raises GradflowError for arrays of another form.
    """
    unknown = [name for name in arrays if name not in PARTS]
    missing = [name for name in ("images", "labels") if name not in arrays]
    if unknown or missing:
        found = ", ".join(arrays) or "none"
        raise GradflowError(f"it needs the arrays images and labels, perhaps split and classes; found {found}.")
    given = {name: np.asarray(array) for name, array in arrays.items()}
    images = channels_first(_as_bytes(given["images"], settings["range"]), settings["channels"])
    for name in PARTS & given.keys() - {"images", "classes"}:
        if given[name].shape != (len(images),):
            raise GradflowError(
                f"its {name} are {list(given[name].shape)} for {len(images)} images; there must be one number or text "
                "for each."
            )
    labels, classes = _numbered(given["labels"], given.get("classes"))
    split = _split(given["split"], labels) if "split" in given else stratified_split(labels)
    return Content(images, labels, split, classes)


def _as_bytes(images: np.ndarray, black_and_white: list[float] | None) -> np.ndarray:
    """Return images as bytes; numbers outside what they may be are refused, not cut."""
    low, high = black_and_white or (0, 255)
    if images.dtype.kind not in "uif" or not images.size:
        raise GradflowError(f"its images are {images.dtype} {list(images.shape)}; they must be an array of numbers.")
    if not low < high:
        raise GradflowError(f"range is {[low, high]}; the first must be the smaller one.")
    if black_and_white is None and images.dtype.kind == "f":
        raise GradflowError(
            f"its images are {images.dtype}, of {np.nanmin(images):g} to {np.nanmax(images):g}; say which values stand "
            "for black and white, such as range: [0.0, 1.0], or save them as uint8."
        )
    least, most = images.min(), images.max()
    if not (low <= least and most <= high):  # nor NaN
        raise GradflowError(
            f"its images have values of {least:g} to {most:g}, not all within {low:g} to {high:g}; say which stand for "
            "black and white, as range."
        )
    if black_and_white is None:
        return images.astype(np.uint8, copy=False)
    scaled = np.empty(images.shape, np.uint8)
    for one, into in zip(images, scaled):  # one by one, for the memory's sake
        into[...] = np.round((one.astype(np.float64) - low) * (255 / (high - low)))
    return scaled


def channels_first(images: np.ndarray, channels: int) -> np.ndarray:
    """Return images [N, C, H, W]. Raises GradflowError for another shape, or another number of channels."""
    if images.ndim == 4 and images.shape[1] == channels:
        return images
    if images.ndim == 4 and images.shape[3] == channels:
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    grey = images.reshape(len(images), *[side for side in images.shape[1:] if side != 1])
    if grey.ndim == 3 and channels in (1, 3):
        return as_colour(grey) if channels == 3 else grey[:, None]
    found = f", and {images.shape[1]} or {images.shape[3]} channels" if images.ndim == 4 else ""
    raise GradflowError(
        f"its images are {list(images.shape)}{found}; they must be [N, H, W], [N, C, H, W] or [N, H, W, C], and "
        f"channels, {channels} now, must say how many there are."
    )


def _numbered(labels: np.ndarray, names: np.ndarray | None) -> tuple[np.ndarray, list[str]]:
    """Return labels, int64 [N], and the names of their classes."""
    if labels.dtype.kind not in "uibUS":
        raise GradflowError(f"its labels are {labels.dtype}; they must be whole numbers or texts.")
    if names is None:
        found, labels = np.unique(labels, return_inverse=True)
        return labels.astype(np.int64), [_text(name) for name in found]
    if labels.dtype.kind not in "uib" or labels.min() < 0 or labels.max() >= len(names):
        raise GradflowError(f"its {len(names)} classes name the labels 0 to {len(names) - 1}, and it has others.")
    return labels.astype(np.int64), [_text(name) for name in names]


def _split(split: np.ndarray, labels: np.ndarray) -> np.ndarray:
    known = IN_SPLITS | {number: number for number in range(len(SPLITS))}
    found = [_text(place) if split.dtype.kind in "US" else place for place in split.tolist()]
    unknown = next((place for place in found if place not in known), None)
    if unknown is not None:
        raise GradflowError(f"its split has {unknown!r}; it must be train, validation and test, or 0, 1 and 2.")
    return complete_split(labels, np.array([known[place] for place in found], np.int8))


def _text(name: object) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
