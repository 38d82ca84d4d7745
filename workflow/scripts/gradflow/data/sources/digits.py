"""Scikit-learn's handwritten digits, embedded: nothing is fetched."""

import numpy as np
from PIL import Image

from gradflow.data.archives import Member
from gradflow.data.content import Content
from gradflow.data.sources import Source
from gradflow.data.splits import stratified_split


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
    return Content(images, labels, stratified_split(labels), [str(digit) for digit in raw.target_names])


SOURCE = Source(read, training_images=lambda settings: 1258)
