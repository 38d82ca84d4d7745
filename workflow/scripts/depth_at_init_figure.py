"""Draw what was measured of networks at initialisation, against depth."""

import pandas as pd

from gradflow.report.figures.depth_at_init import against_depth
from gradflow.report.figures.style import save_figure
from gradflow.runtime.job import job

with job(snakemake):
    save_figure(against_depth(pd.read_csv(snakemake.input[0])), *snakemake.output)
