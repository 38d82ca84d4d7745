"""Explain the first backward pass of every arm: measured, predicted, and what it owes to what."""

from functools import partial
from pathlib import Path

from tqdm import tqdm

from gradflow.analysis.tables import write_table
from gradflow.config.architectures import known
from gradflow.data import store
from gradflow.propagation.survey import theory_tables
from gradflow.runs import Run
from gradflow.runtime import leases
from gradflow.runtime.job import job

with job(snakemake) as terminal:
    device = leases.lease_device(snakemake.resources.device, snakemake.threads, snakemake.config["jobs_per_gpu"])
    runs = [Run(**settings) for settings in snakemake.params.starts.values()]
    datasets = {folder.name: store.load_dataset(folder) for folder in {Path(path).parent for path in snakemake.input}}
    progress = partial(tqdm, desc="theory", leave=False, disable=None, file=terminal)
    entries = known(snakemake.config["architectures"])
    tables = theory_tables(progress(runs), datasets, snakemake.params.seeds, device, entries)
    for name, table in zip(("theory", "theory_layers"), tables):
        write_table(Path(snakemake.output.totals).parent, name, table)
