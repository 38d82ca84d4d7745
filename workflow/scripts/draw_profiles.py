"""Draw the weight-gradient profiles of seed 004's multilayer perceptrons of one width."""

from gradflow import results
from gradflow.figures.random_mlps import weight_profiles
from gradflow.figures.style import save
from gradflow.jobs import job

with job(snakemake):
    draws = {depth: results.read_arrays(path) for depth, path in zip(snakemake.params.depths, snakemake.input)}
    figure = weight_profiles(draws, int(snakemake.wildcards.width))
    save(figure, *snakemake.output)
