"""Train networks for some steps and explain their gradient on the way."""

from functools import partial
from pathlib import Path

from tqdm import tqdm

from gradflow.analysis.tables import write_table
from gradflow.config.architectures import known
from gradflow.data import store
from gradflow.propagation.alignment import alignment_table
from gradflow.runtime import leases
from gradflow.runtime.job import job

with job(snakemake) as terminal:
    device = leases.lease_device(snakemake.resources.device, snakemake.threads, snakemake.config["jobs_per_gpu"])
    dataset = store.load_dataset(Path(snakemake.input[0]).parent)
    settings, entries = dict(snakemake.params.settings), known(snakemake.config["architectures"])
    chosen = {name: entries[name] for name in settings.pop("architectures")}
    progress = partial(tqdm, desc="alignment", leave=False, disable=None, file=terminal)
    table = alignment_table(chosen, dataset, **settings, seeds=snakemake.params.seeds, device=device, progress=progress)
    write_table(Path(snakemake.output.table).parent, "alignment", table)
