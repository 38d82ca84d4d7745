"""Prepare a data set into memory-mapped arrays."""

from pathlib import Path

from gradflow.data.fetch import configured, fetch
from gradflow.data.prepare import prepare
from gradflow.data.sources import needed_download
from gradflow.runtime.job import job

if __name__ == "__main__":  # where processes are spawned, each imports this file again
    with job(snakemake) as terminal:
        download = needed_download(snakemake.params.settings)
        prepare(
            Path(snakemake.output.facts).parent,
            snakemake.wildcards.dataset,
            snakemake.params.settings,
            archive=fetch(*configured(snakemake.config, download), terminal) if download else None,
            workers=snakemake.threads,
            progress=terminal,
        )
