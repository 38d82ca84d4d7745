"""The first backward pass of a run, for more random seeds than are trained: it costs one batch."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pandas as pd
import torch
from torch import nn

from gradflow.data.store import Dataset
from gradflow.models.build import build
from gradflow.models.catalogue import CATALOGUE, Architecture
from gradflow.recorder.quantities import QUANTITIES
from gradflow.recorder.recorder import GradientRecorder
from gradflow.runs import Run
from gradflow.training.device import autocast
from gradflow.training.task import training_batches, training_loss

MEASURED = tuple(one.name for one in QUANTITIES if one.at_init and one.since)  # others follow from them when it is read


def first_backward(
    run: Run, dataset: Dataset, device: torch.device | str = "cpu", architecture: Architecture | None = None
) -> pd.DataFrame:
    """Measure a run's first backward pass: what its first recorded step says.

    Parameters
    ----------
    run : a run that does not start from pretrained weights.
    dataset : what it trains on.
    device : where.
    architecture : the run's, if the catalogue does not have it.

    Returns
    -------
    One row a layer and quantity: layer, depth (position in the forward order), quantity, value.
    """
    device = torch.device(device)
    model, images, labels = at_its_start(run, dataset, device, architecture)
    with GradientRecorder(model) as recorder:
        with autocast(run.precision, device):
            loss = training_loss(run, model(images), labels)
        loss.backward()
        recorder.step()
    norms = recorder.norms()
    layers = pd.DataFrame({"layer": recorder.layers, "depth": [layer.depth for layer in recorder.table]})
    return pd.concat([layers.assign(quantity=name, value=norms[name][0]) for name in MEASURED], ignore_index=True)


def at_its_start(
    run: Run, dataset: Dataset, device: torch.device | str = "cpu", architecture: Architecture | None = None
) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """Return a run's network in training mode, and its first batch: images and labels."""
    device = torch.device(device)
    torch.manual_seed(run.seed)
    shape = {"classes": len(dataset.classes), "channels": dataset.images.shape[1], "image_size": run.image_size}
    model = build(architecture or run.architecture, init=run.init, **shape, **run.model_options).to(device)
    shuffle = torch.Generator().manual_seed(run.seed)
    images, labels = next(training_batches(run, dataset, device, shuffle))
    return model.train(), images, labels


def first_backward_table(
    runs: Iterable[Run],
    datasets: dict[str, Dataset],
    seeds: Iterable[int],
    device: torch.device | str = "cpu",
    architectures: Mapping[str, Architecture] = CATALOGUE,
) -> pd.DataFrame:
    """Return start, seed, layer, depth, quantity, value for these random seeds of each run, whatever its own."""
    return pd.concat(
        [
            first_backward(
                replace(run, seed=seed), datasets[run.dataset], device, architectures[run.architecture]
            ).assign(start=run.start, seed=seed)
            for run in runs
            for seed in seeds
        ],
        ignore_index=True,
    )
