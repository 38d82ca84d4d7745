"""Small runs, and ways to interrupt them in the middle of this process."""

import json
from dataclasses import replace

import numpy as np

from gradflow import GradflowError
from gradflow.data import store
from gradflow.data.store import Dataset
from gradflow.runs import Run
from gradflow.training.checkpoint import Checkpoint
from gradflow.training.loop import train

ADAM = {"optimizer": "adam", "learning_rate": 1e-3}
PLAIN = {"width": 0.125, "depth": 8, "skip": False, "batch_norm": False}
OPTIONS = {"crop_padding": 3, "horizontal_flip": True, "label_smoothing": 0.1, "gradient_clipping": 0.5}
OPTIONS |= {"decay_weights_only": True, "weight_decay": 0.01}
COMMON = {"source": "digits", "image_size": 32, "seed": 0, "init": "he", "batch_size": 16, "epochs": 3}
RUNS = {
    "SGD with momentum, batch norm, a schedule": Run(
        "resnet18", "digits", **COMMON, width=0.03125, batch_norm=True, momentum=0.9, step_size=1
    ),
    "Adam, dropout, a schedule": Run("vgg16", "digits", **COMMON, width=0.03125, dropout=0.5, step_size=2, **ADAM),
    "AdamW, no batch norm": Run("cifar_resnet", "digits", **COMMON, **PLAIN, optimizer="adamw", learning_rate=1e-3),
    "bf16, batch norm, dropout and every option": Run(
        "vgg16_plus4", "digits", **COMMON, width=0.03125, batch_norm=True, dropout=0.3, precision="bf16", **OPTIONS
    ),
    "a run that diverges": Run("cifar_resnet", "digits", **COMMON, **PLAIN, learning_rate=1000.0, momentum=0.9),
}
POLLS = 3 * 6 + 3 * 2 + 2  # of 90 training images in batches of 16, and of 20 to validate and 20 to test


class Killed(BaseException):
    """The end of a process that had no time to save."""


class At:
    """Instead of StopSignals: it stops, or kills, the run at its n-th poll."""

    def __init__(self, poll: int, kill: bool = False):
        self._left, self._kill = poll, kill

    @property
    def received(self):
        self._left -= 1
        if self._left < 0 and self._kill:
            raise Killed
        return "SIGTERM" if self._left < 0 else None


def few_digits(folder) -> Dataset:
    """The first 130 of the prepared digits: 90 to train on, 20 to validate and 20 to test."""
    whole = store.load_dataset(folder)
    split = np.repeat([0, 1, 2], [90, 20, 20])
    return replace(whole, images=whole.images[:130], labels=whole.labels[:130], split=split, fingerprint="f" * 64)


def interrupted(run, dataset, path, poll, kill=False, minutes=10.0, **settings):
    """Train until the n-th poll; whether it came to that."""
    try:
        train(run, dataset, checkpoint=Checkpoint(path, minutes, At(poll, kill)), **settings)
    except GradflowError as error:
        assert "was stopped by SIGTERM at step" in str(error) and "\n" not in str(error)
    except Killed:
        pass
    else:
        return False
    return True


def assert_same(a, b):
    assert a.arrays.keys() == b.arrays.keys()
    for name in a.arrays:
        assert a[name].dtype == b[name].dtype and a[name].shape == b[name].shape, name
        assert a[name].tobytes() == b[name].tobytes(), name
    assert json.dumps(a.meta, sort_keys=True) == json.dumps(b.meta, sort_keys=True)
