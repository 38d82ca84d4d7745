"""Train tanh networks of growing depth at several variances of their weights."""

from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from gradflow.analysis.tables import write_table
from gradflow.data import store
from gradflow.data.batches import batches
from gradflow.propagation.trainable_depth import trainable_depth_table
from gradflow.runtime.job import job
from gradflow.training.device import choose_device

with job(snakemake) as terminal:
    device = choose_device("cpu", snakemake.threads)
    settings = dict(snakemake.params.settings)
    dataset = store.load_dataset(Path(snakemake.input[0]).parent)
    shuffle = torch.Generator().manual_seed(0)
    count, size = settings.pop("images"), settings.pop("size")
    images, labels = next(batches(dataset, "train", count, device, "dataset", size, shuffle))
    progress = partial(tqdm, desc="trainable depth", leave=False, disable=None, file=terminal)
    table = trainable_depth_table(images, labels, classes=len(dataset.classes), **settings, progress=progress)
    write_table(Path(snakemake.output.table).parent, "trainable_depth", table)
