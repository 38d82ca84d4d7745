"""Measure the first backward pass of every arm for many random seeds."""

from functools import partial
from pathlib import Path

from tqdm import tqdm

from gradflow.analysis.tables import write_table
from gradflow.config.architectures import known
from gradflow.data import store
from gradflow.propagation.first_backward import first_backward_table
from gradflow.runs import Run
from gradflow.runtime import leases
from gradflow.runtime.job import job

with job(snakemake) as terminal:
    device = leases.lease_device(snakemake.resources.device, snakemake.threads, snakemake.config["jobs_per_gpu"])
    runs = [Run(**settings) for settings in snakemake.params.starts.values()]
    folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input}
    datasets = {name: store.load_dataset(folder) for name, folder in folders.items()}
    progress = partial(tqdm, desc="at init", leave=False, disable=None, file=terminal)
    entries = known(snakemake.config["architectures"])
    table = first_backward_table(progress(runs), datasets, snakemake.params.seeds, device, entries)
    write_table(Path(snakemake.output.table).parent, "first_backward", table)
