"""How a network answers images that it is not trained on."""

from collections.abc import Callable

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from gradflow.data.batches import batches
from gradflow.data.store import Dataset
from gradflow.training.device import autocast, number_type
from gradflow.training.memory_format import as_trained
from gradflow.training.state import Progress


@torch.no_grad()
def evaluate(
    progress: Progress, dataset: Dataset, split: str, poll: Callable[[], None]
) -> tuple[float, float, np.ndarray]:
    """Return (mean loss, accuracy, confusion matrix int64 [true class, predicted class]) over a split.

    progress: of the run whose network is to answer. poll: called before each batch.
    """
    run, model, device = progress.run, progress.model, progress.device
    model.eval()
    classes, dtype = len(dataset.classes), number_type(run.precision)
    loss = torch.zeros((), dtype=dtype, device=device)
    confusion = torch.zeros(classes * classes, dtype=torch.int64, device=device)
    for images, labels in batches(dataset, split, run.batch_size, device, run.normalization, run.image_size):
        poll()
        with autocast(run.precision, device):
            logits = model(as_trained(images, progress.memory_format, dtype))
            loss += cross_entropy(logits, labels, reduction="sum")
        confusion += torch.bincount(labels * classes + logits.argmax(1), minlength=classes * classes)
    matrix = confusion.view(classes, classes).cpu().numpy()
    return loss.item() / max(1, matrix.sum()), float(np.trace(matrix) / max(1, matrix.sum())), matrix
