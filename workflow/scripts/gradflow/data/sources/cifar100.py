"""CIFAR-100, from its original python archive."""

from gradflow.data.content import Content
from gradflow.data.members import Member
from gradflow.data.originals import NOT_OF_THE_FORMAT, trained_and_tested, unpickled
from gradflow.data.sources import Source
from gradflow.errors import GradflowError


def read(files: list[Member], settings: dict) -> Content:
    """Return CIFAR-100 (Krizhevsky 2009) by its 100 fine labels: 50,000 training images, and its test images halved.

    files: the members of the python archive, whose hash was verified: its batches are pickles.
    """
    named = {file.name: file for file in files}
    try:
        classes = [name.decode() for name in unpickled(named["meta"])[b"fine_label_names"]]
        parts = [unpickled(named[part]) for part in ("train", "test")]
        return trained_and_tested(
            *((part[b"data"].reshape(-1, 3, 32, 32), part[b"fine_labels"]) for part in parts), classes
        )
    except NOT_OF_THE_FORMAT as error:
        raise GradflowError(f"downloads.cifar100 is not CIFAR-100's python archive ({error}): replace it.") from error


SOURCE = Source(
    read,
    downloads={
        "cifar100": {
            "urls": ["https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"],
            "sha256": "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
            "bytes": 169_001_437,
        },
    },
    training_images=lambda settings: 50_000,
    stored_side=32,
)
