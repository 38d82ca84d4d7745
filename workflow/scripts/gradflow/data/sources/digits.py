"""Scikit-learn's handwritten digits, embedded: nothing is fetched."""

import numpy as np
from PIL import Image
from pydantic import BaseModel, Field

from gradflow.data.content import Content
from gradflow.data.members import Member
from gradflow.data.sources import Source
from gradflow.data.splits import stratified_split

TRAINING_IMAGES = 1258


class Settings(BaseModel):
    """How many of the digits are trained on."""

    training_images: int | None = Field(
        None,
        ge=10,
        le=TRAINING_IMAGES,
        multiple_of=10,
        description=f"A small data set: so many training images, as many of each class, in place of {TRAINING_IMAGES}; "
        "the others are validation images.",
    )


def read(files: list[Member], settings: dict) -> Content:
    """Return the 1,797 digits as grey RGB images of side `size`, split 70/15/15.

    They come as 8×8 counts of 0 ... 16 (Alpaydin & Kaynak 1998) and are enlarged bilinearly.
    """
    from sklearn.datasets import load_digits

    size, raw = settings["size"], load_digits()
    grey = np.round(raw.images * (255 / 16)).astype(np.uint8)
    enlarged = [np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR)) for image in grey]
    images = np.repeat(np.stack(enlarged)[:, None], 3, axis=1)
    labels = raw.target.astype(np.int64)
    split = stratified_split(labels)
    if settings.get("training_images"):
        split = _with_few_to_train_on(labels, split, settings["training_images"])
    return Content(images, labels, split, [str(digit) for digit in raw.target_names])


def _with_few_to_train_on(labels: np.ndarray, split: np.ndarray, wanted: int) -> np.ndarray:
    """A split in which so many training images are left, as many of each digit, and the others validate."""
    few, generator = split.copy(), np.random.default_rng(0)
    for digit in range(10):
        members = generator.permutation(np.flatnonzero((split == 0) & (labels == digit)))
        few[members[wanted // 10 :]] = 1
    return few


SOURCE = Source(
    read,
    settings=Settings,
    training_images=lambda settings: settings.get("training_images") or TRAINING_IMAGES,
)
