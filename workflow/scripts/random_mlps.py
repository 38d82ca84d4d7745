"""Draw notebook 004's multilayer perceptrons of one depth and width, every activation and initialisation."""

from gradflow.propagation.random_mlps import draw_all
from gradflow.runtime.job import job
from gradflow.training.device import choose_device
from gradflow.training.result import write_arrays

with job(snakemake):
    choose_device("cpu", snakemake.threads)
    shape = {key: int(snakemake.wildcards[key]) for key in ("depth", "width")}
    arrays = draw_all(**snakemake.params.settings, **shape)
    write_arrays(snakemake.output[0], arrays)
