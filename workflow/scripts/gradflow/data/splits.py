"""Dividing a data set into training, validation and test images."""

import numpy as np

SPLITS = ("train", "validation", "test")
SHARES = (0.70, 0.15, 0.15)


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
