"""Aggregate all finished runs into tables."""

from pathlib import Path

from gradflow.analysis.aggregation import write_arms, write_tables
from gradflow.runtime.job import job

with job(snakemake):
    folder = Path(snakemake.output.arms).parent
    write_tables(snakemake.input.runs, folder)
    write_arms(folder, snakemake.params.arms)
