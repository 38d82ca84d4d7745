"""Prepare a data set into memory-mapped arrays."""

from pathlib import Path

from gradflow.data.fetch import configured, fetch
from gradflow.data.prepare import prepare
from gradflow.data.sources import needed_downloads
from gradflow.runtime.job import job

if __name__ == "__main__":  # where processes are spawned, each imports this file again
    with job(snakemake) as terminal:
        name = snakemake.wildcards.dataset
        settings = snakemake.config["datasets"][name]
        prepare(
            Path(snakemake.output.facts).parent,
            name,
            settings,
            {one: fetch(*configured(snakemake.config, one), terminal) for one in needed_downloads(settings)},
            workers=snakemake.threads,
            progress=terminal,
        )
