"""Learnt alignment: how far the real gradient leaves the independent one behind while a network is trained.

At initialisation a gradient knows nothing of the weights that it meets. Training aligns the two: the real gradient
becomes larger at the first layers than independence allows, and the residual, measured minus predicted, says by how
much.
"""

import copy
from collections.abc import Callable, Iterable, Mapping

import pandas as pd
import torch
from torch.nn.functional import cross_entropy

from gradflow.data.batches import batches
from gradflow.data.store import Dataset
from gradflow.errors import GradflowError
from gradflow.models.build import build
from gradflow.models.catalogue import Architecture
from gradflow.propagation.explain import explain

PASSES = 4  # independent ones an explanation


def alignment_table(
    architectures: Mapping[str, Architecture],
    dataset: Dataset,
    *,
    image_size: int,
    init: str,
    learning_rate: float,
    momentum: float,
    batch_size: int,
    steps: Iterable[int],
    seeds: Iterable[int],
    width: float,
    device: torch.device | str = "cpu",
    progress: Callable = iter,
) -> pd.DataFrame:
    """Train networks by SGD and explain each at some steps, on the batch of the step.

    Parameters
    ----------
    architectures : by name; those without an option `width` are as wide as they are.
    dataset, image_size : what they are trained on, and the side in pixels at which they see it.
    init, learning_rate, momentum, batch_size, width : of all.
    steps : before which updates to explain; 0 is at initialisation.
    seeds : random seeds of each.
    progress : what the networks are counted through, such as tqdm.

    Returns
    -------
    The table `alignment`, a row an architecture, random seed and step. Of a training that diverged the rows end there.
    """
    device, wanted, rows = torch.device(device), set(steps), []
    for name, seed in progress([(name, seed) for name in architectures for seed in seeds]):
        entry = architectures[name]
        options = {"width": width} if "width" in entry.options else {}
        shape = {"classes": len(dataset.classes), "channels": dataset.images.shape[1], "image_size": image_size}
        try:
            model = build(entry, **shape, init=init, seed=seed, **options).to(device).train()
        except Exception as error:  # other people's code fails in any way
            said = " ".join(str(error).split())
            raise GradflowError(f"alignment: {name} cannot be built ({type(error).__name__}: {said}).") from error
        optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=momentum)
        stream = _endless(dataset, batch_size, device, image_size, seed)
        for step, (images, labels) in zip(range(max(wanted) + 1), stream):
            loss = cross_entropy(model(images), labels)
            if not bool(torch.isfinite(loss)):
                break
            if step in wanted:  # of a copy: the loss's graph needs the network's buffers as they are
                copied = copy.deepcopy(model)
                found = explain(copied, images, labels, probes=PASSES, first_seed=seed, trained=True, remedies=False)
                decades = {of: found.decades[of] for of in ("measured", "predicted", "residual")}
                key = {"architecture": name, "label": entry.label or name, "seed": seed, "step": step}
                rows.append(key | {"loss": loss.item()} | decades)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return pd.DataFrame(rows)


def _endless(dataset: Dataset, batch_size: int, device: torch.device, image_size: int, seed: int):
    """Yield shuffled training batches, epoch after epoch."""
    shuffle = torch.Generator().manual_seed(seed)
    while True:
        yield from batches(dataset, "train", batch_size, device, "imagenet", image_size, shuffle)
