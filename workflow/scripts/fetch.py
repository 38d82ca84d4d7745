"""Fetch a file into the cache, or find it there, and write a receipt."""

from pathlib import Path

from gradflow.data.downloads import Download, fetch, write_receipt
from gradflow.jobs import job

with job(snakemake.log[0]) as terminal:
    download = Download(**snakemake.params.download)
    cache = Path(snakemake.params.cache).absolute()
    fetch(download, cache, terminal)
    write_receipt(snakemake.output[0], download, cache)
