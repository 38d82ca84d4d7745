"""Draw what the probes of networks at initialisation measured, against depth."""

import pandas as pd

from gradflow.figures.probes import against_depth
from gradflow.figures.style import save
from gradflow.jobs import job

with job(snakemake):
    save(against_depth(pd.read_csv(snakemake.input[0])), *snakemake.output)
