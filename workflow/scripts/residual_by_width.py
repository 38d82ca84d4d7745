"""Measure what the theory leaves over of networks of growing width."""

from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from gradflow.analysis.tables import write_table
from gradflow.data import store
from gradflow.data.batches import batches
from gradflow.propagation.residual_by_width import residual_by_width_table
from gradflow.runtime.job import job
from gradflow.training.device import choose_device

with job(snakemake) as terminal:
    device = choose_device("cpu", snakemake.threads)
    settings = dict(snakemake.params.settings)
    dataset = store.load_dataset(Path(snakemake.input[0]).parent)
    shuffle = torch.Generator().manual_seed(0)
    count, size = settings.pop("images"), snakemake.params.size
    images, labels = next(batches(dataset, "train", count, device, "dataset", size, shuffle))
    progress = partial(tqdm, desc="residual by width", leave=False, disable=None, file=terminal)
    table = residual_by_width_table(images, labels, classes=len(dataset.classes), **settings, progress=progress)
    write_table(Path(snakemake.output.table).parent, "residual_by_width", table)
