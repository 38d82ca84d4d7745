"""Measure which memory format trains faster here, and keep it for the results folder."""

from gradflow.runtime import leases
from gradflow.runtime.job import job
from gradflow.runtime.provenance import describe_run
from gradflow.training.fastest_format import measure_formats, write_choice

with job(snakemake):
    config = snakemake.config
    device = leases.lease_device(snakemake.resources.device, snakemake.threads, config["jobs_per_gpu"])
    size = config["datasets"][config["scale"]["dataset"]]["size"]
    choice = measure_formats(device, config["scale"]["width"], size)
    where = describe_run(device, snakemake.threads)
    known = {name: where[name] for name in ("device", "processor", "threads")} | {"torch": where["versions"]["torch"]}
    write_choice(snakemake.output[0], choice | known)
    print(choice)
