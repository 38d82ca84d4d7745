"""Measure networks of growing depth at initialisation."""

from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from gradflow.analysis.tables import write_table
from gradflow.data import store
from gradflow.data.batches import batches
from gradflow.propagation.depth_at_init import depth_at_init_table
from gradflow.runtime import leases
from gradflow.runtime.job import job

with job(snakemake) as terminal:
    device = leases.lease_device(snakemake.resources.device, snakemake.threads, snakemake.config["jobs_per_gpu"])
    settings = dict(snakemake.params.settings)
    dataset = store.load_dataset(Path(snakemake.input[0]).parent)
    shuffle = torch.Generator().manual_seed(0)
    count, size = settings.pop("images"), snakemake.params.size
    images, labels = next(batches(dataset, "train", count, device, "imagenet", size, shuffle))
    progress = partial(tqdm, desc="depth at init", leave=False, disable=None, file=terminal)
    table = depth_at_init_table(images, labels, classes=len(dataset.classes), **settings, progress=progress)
    write_table(Path(snakemake.output.table).parent, "depth_at_init", table)
