"""Dividing a data set into training, validation and test images."""

import re
from collections.abc import Sequence

import numpy as np

SPLITS = ("train", "validation", "test")
SHARES = (0.70, 0.15, 0.15)
NAMES = {"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "dev": 1, "test": 2, "testing": 2}
CALLED = re.compile(
    rf"(?:.*[_\-. ])?({'|'.join(NAMES)})(?:[_\-. ]?(?:sets?|data|images|imgs|split|\d{{4}}))?", re.DOTALL
)


def split_named(name: str) -> int | None:
    """Return the split that people call so, a position in SPLITS; None if they do not.

    train or training; val, valid, validation or dev; test or testing; in any case, alone, after something and a mark
    (`seg_train`) or before set, data, images, split or a year (`train_set`, `train2017`).
    """
    called = CALLED.fullmatch(name.strip().lower())
    return NAMES[called[1]] if called else None


def stratified_split(labels: np.ndarray, shares: tuple[float, ...] = SHARES, seed: int = 0) -> np.ndarray:
    """Assign train, validation and test in the given shares within every class; return int8 [N]."""
    generator = np.random.default_rng(seed)
    split = np.zeros(len(labels), dtype=np.int8)
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        bounds = np.round(np.cumsum(shares)[:2] * len(members)).astype(int)
        for index, part in enumerate(np.split(members, bounds)):
            split[part] = index
    return split


def complete_split(labels: np.ndarray, split: np.ndarray) -> np.ndarray:
    """Halve the held-out images, within every class, if they are all validation or all test; return int8 [N].

    So the training images stay those of the source, and there is always something to choose by and something to
    report on.
    """
    split = split.astype(np.int8)
    held_out = split > 0
    if len(np.unique(split[held_out])) == 1:
        split[held_out] = stratified_split(labels[held_out], (0, 0.5, 0.5))
    return split


def at_most(classes: Sequence[str], split: Sequence[int], most: int, seed: int = 0) -> list[int]:
    """Return the rows, in order, of at most so many images of each class, drawn at random; of each split its share."""
    generator, split = np.random.default_rng(seed), np.asarray(split)
    names, labels = np.unique(np.asarray(classes, object).astype(str), return_inverse=True)
    kept = []
    for label in range(len(names)):
        rows = np.flatnonzero(labels == label)
        for part in np.unique(split[rows]):
            members = rows[split[rows] == part]
            share = most * len(members) // max(len(rows), most)
            kept.append(generator.permutation(members)[: max(share, 1)])
    return sorted(np.concatenate(kept).tolist()) if kept else []
