"""Draw one figure in a column of a journal."""

from gradflow.report.figures import figures
from gradflow.runtime.job import job

INCH = 25.4  # mm

with job(snakemake):
    kind, width = figures()[snakemake.params.figure], int(snakemake.wildcards.millimetres) / INCH
    kind.write(snakemake.output, dict(snakemake.input.items()), snakemake.params.settings, width)
