"""Draw one kind of figure, for all that is selected."""

from tqdm import tqdm

from gradflow.report.figures import figures
from gradflow.runtime.job import job

with job(snakemake) as terminal:
    kind, files = figures()[snakemake.params.figure], dict(snakemake.input.items())
    pictures = list(zip(snakemake.params.settings, snakemake.output.shown, snakemake.output.beside))
    for settings, *paths in tqdm(pictures, desc=kind.name, leave=False, disable=None, file=terminal):
        kind.write(paths, files, settings)
