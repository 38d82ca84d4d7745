"""Draw seed 004's multilayer perceptrons of one depth and width, every activation and initialisation."""

from gradflow import devices, results
from gradflow.draws import draw_all
from gradflow.jobs import job

with job(snakemake):
    devices.choose("cpu", snakemake.threads)
    shape = {key: int(snakemake.wildcards[key]) for key in ("depth", "width")}
    arrays = draw_all(**snakemake.params.settings, **shape)
    results.write_arrays(snakemake.output[0], arrays)
