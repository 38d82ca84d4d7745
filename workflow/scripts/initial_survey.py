"""Explain every architecture under every initialisation, before any training."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from gradflow.analysis.tables import write_table
from gradflow.config.architectures import known
from gradflow.propagation.survey import survey_table
from gradflow.runtime import leases
from gradflow.runtime.job import job

with job(snakemake) as terminal:
    device = leases.lease_device(snakemake.resources.device, snakemake.threads, snakemake.config["jobs_per_gpu"])
    settings, entries = dict(snakemake.params.settings), known(snakemake.config["architectures"])
    surveyed = {name: replace(entries[name], source_size=size) for name, size in snakemake.params.architectures.items()}
    progress = partial(tqdm, desc="initial survey", leave=False, disable=None, file=terminal)
    table = survey_table(surveyed, **settings, seeds=snakemake.params.seeds, device=device, progress=progress)
    write_table(Path(snakemake.output.table).parent, "initial_survey", table)
