"""Prepare a data set into memory-mapped arrays."""

from pathlib import Path

from gradflow.data.sources import prepare
from gradflow.jobs import job

with job(snakemake.log[0]):
    prepare(Path(snakemake.output.facts).parent, snakemake.wildcards.dataset, snakemake.params.settings)
