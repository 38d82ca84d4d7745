"""SVHN, house numbers cropped to single digits, from its original Matlab files."""

import numpy as np

from gradflow.data.content import Content
from gradflow.data.members import Member
from gradflow.data.originals import NOT_OF_THE_FORMAT, from_matlab, trained_and_tested
from gradflow.data.sources import Source
from gradflow.errors import GradflowError


def read(files: list[Member], settings: dict) -> Content:
    """Return SVHN (Netzer et al. 2011): its 73,257 training images, and its test images halved; without `extra`."""
    named = {file.name: file for file in files}
    try:
        train, test = (_part(named[f"svhn_{part}"]) for part in ("train", "test"))
        return trained_and_tested(train, test, [str(digit) for digit in range(10)])
    except NOT_OF_THE_FORMAT as error:
        raise GradflowError(f"its downloads are not the Matlab files of SVHN ({error}): replace them.") from error


def _part(file: Member) -> tuple[np.ndarray, np.ndarray]:
    """Return images [N, 3, 32, 32], in the file [32, 32, 3, N], and labels [N], where the file calls the digit 0 10."""
    arrays = from_matlab(file)
    return arrays["X"].transpose(3, 2, 0, 1), arrays["y"].ravel() % 10


SOURCE = Source(
    read,
    downloads={
        "svhn_train": {
            "urls": ["http://ufldl.stanford.edu/housenumbers/train_32x32.mat"],
            "sha256": "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
            "bytes": 182_040_794,
        },
        "svhn_test": {
            "urls": ["http://ufldl.stanford.edu/housenumbers/test_32x32.mat"],
            "sha256": "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
            "bytes": 64_275_384,
        },
    },
    packed=False,
    training_images=lambda settings: 73_257,
    stored_side=32,
)
