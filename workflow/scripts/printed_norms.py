"""Draw seed 004's printed norms over the distribution of our own."""

from gradflow import results
from gradflow.figures.random_mlps import printed_norms
from gradflow.figures.style import save
from gradflow.jobs import job

with job(snakemake):
    figure = printed_norms(results.read_arrays(snakemake.input[0]))
    save(figure, *snakemake.output)
