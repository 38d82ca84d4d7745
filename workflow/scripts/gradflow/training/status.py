"""How a run ended: completed, stalled or diverged, and why."""

import numpy as np

from gradflow.data.store import Dataset

# A run that is not by this share better than guessing has learnt nothing.
STALLED_WITHIN = 0.01


def guessing_loss(dataset: Dataset) -> float:
    """Return the cross-entropy, in nats, of answering every image with the training labels' frequencies."""
    shares = np.bincount(dataset.labels[dataset.indices("train")]) / len(dataset.indices("train"))
    return float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())


def judge(arrays: dict, guessing: float) -> tuple[str, str]:
    """Return a run's status and the reason for it, given the loss of guessing in nats."""
    bad = np.flatnonzero(~np.isfinite(arrays["loss"]))
    if len(bad):
        return "diverged", f"the loss was not finite from step {bad[0]} on"
    if not np.isfinite(arrays["test_loss"]):
        return "diverged", "the loss on the test images is not finite"
    train, validation = arrays["train_loss"][-1], arrays["validation_loss"][-1]
    if min(train, validation) >= (1 - STALLED_WITHIN) * guessing:
        return "stalled", (
            f"neither the training loss {train:.4f} of the last epoch nor the validation loss {validation:.4f} "
            f"is {STALLED_WITHIN:.0%} better than guessing ({guessing:.4f})"
        )
    return "completed", f"all {len(arrays['train_loss'])} epochs were trained"
