"""Aggregate all finished runs into tables."""

import pandas as pd

from gradflow.analysis.tables import ARM_COLUMNS, write_tables
from gradflow.files import write_table
from gradflow.runtime.job import job

with job(snakemake):
    out = snakemake.output
    write_tables(snakemake.input, out.norms, out.profiles, out.layers, out.epochs, out.runs)
    write_table(out.arms, pd.DataFrame(snakemake.params.arms, columns=ARM_COLUMNS))
