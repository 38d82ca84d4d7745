"""Draw what was measured of networks at initialisation, against depth."""

from pathlib import Path

from gradflow.analysis.tables import read_table
from gradflow.report.figures.depth_at_init import against_depth
from gradflow.report.figures.style import save_figure
from gradflow.runtime.job import job

with job(snakemake):
    save_figure(against_depth(read_table(Path(snakemake.input[0]).parent, "depth_at_init")), *snakemake.output)
