"""Fetch a file into the cache, or find it there, and write a receipt."""

from gradflow.data.fetch import configured, fetch, write_receipt
from gradflow.runtime.job import job

with job(snakemake) as terminal:
    download, cache = configured(snakemake.config, snakemake.wildcards.download)
    fetch(download, cache, terminal)
    write_receipt(snakemake.output[0], download, cache)
