"""Draw notebook 004's printed norms over the distribution of our own."""

from gradflow.report.figures.random_mlps import printed_norms
from gradflow.report.figures.style import save_figure
from gradflow.runtime.job import job
from gradflow.training.result import read_arrays

with job(snakemake):
    figure = printed_norms(read_arrays(snakemake.input[0]))
    save_figure(figure, *snakemake.output)
