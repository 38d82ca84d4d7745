"""The first backward pass of a run, for more random seeds than are trained: it costs one batch."""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd
import torch
from torch.nn.functional import cross_entropy

from gradflow.data.arrays import Dataset
from gradflow.data.batches import batches
from gradflow.devices import autocast
from gradflow.models import build
from gradflow.recorder import GradientRecorder
from gradflow.runs import Run

QUANTITIES = ("grad_output_norm", "grad_sample_norm", "grad_rms", "weight_grad_norm")  # no update: nothing is trained


def first_pass(run: Run, dataset: Dataset, device: torch.device | str = "cpu") -> pd.DataFrame:
    """Return layer, depth, quantity, value of a run's first backward pass: what its first recorded step says.

    The run must not start from pretrained weights.
    """
    device = torch.device(device)
    torch.manual_seed(run.seed)
    model = build(run.architecture, classes=len(dataset.classes), init=run.init, **run.model_options).to(device)
    shuffle = torch.Generator().manual_seed(run.seed)
    images, labels = next(batches(dataset, "train", run.batch_size, device, run.normalization, run.image_size, shuffle))
    with GradientRecorder(model.train()) as recorder:
        with autocast(run.precision, device):
            loss = cross_entropy(model(images), labels)
        loss.backward()
        recorder.step()
    norms = recorder.norms()
    layers = pd.DataFrame({"layer": recorder.layers, "depth": [layer.depth for layer in recorder.table]})
    return pd.concat([layers.assign(quantity=name, value=norms[name][0]) for name in QUANTITIES], ignore_index=True)


def initial_table(
    runs: Iterable[Run], datasets: dict[str, Dataset], seeds: int, device: torch.device | str = "cpu"
) -> pd.DataFrame:
    """Return start, seed, layer, depth, quantity, value for `seeds` random seeds of each run, whatever its own."""
    return pd.concat(
        [
            first_pass(replace(run, seed=seed), datasets[run.dataset], device).assign(start=run.start, seed=seed)
            for run in runs
            for seed in range(seeds)
        ],
        ignore_index=True,
    )
