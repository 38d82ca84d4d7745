"""Prepare a data set into memory-mapped arrays."""

from pathlib import Path

from gradflow.data.downloads import fetched
from gradflow.data.preparation import prepare
from gradflow.jobs import job

if __name__ == "__main__":  # where processes are spawned, each imports this file again
    with job(snakemake.log[0]) as terminal:
        receipt = snakemake.input.get("receipt")
        prepare(
            Path(snakemake.output.facts).parent,
            snakemake.wildcards.dataset,
            snakemake.params.settings,
            archive=fetched(receipt)[0] if receipt else None,
            workers=snakemake.threads,
            progress=terminal,
        )
