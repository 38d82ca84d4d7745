"""Draw the weight-gradient profiles of notebook 004's multilayer perceptrons of one width."""

from gradflow.report.figures.random_mlps import weight_profiles
from gradflow.report.figures.style import save_figure
from gradflow.runtime.job import job
from gradflow.training.result import read_arrays

with job(snakemake):
    draws = {depth: read_arrays(path) for depth, path in zip(snakemake.params.depths, snakemake.input)}
    figure = weight_profiles(draws, int(snakemake.wildcards.width))
    save_figure(figure, *snakemake.output)
