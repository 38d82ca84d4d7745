"""Aggregate all finished runs into tables."""

from pathlib import Path

import pandas as pd

from gradflow.analysis.aggregation import write_tables
from gradflow.analysis.schemas import TABLES
from gradflow.analysis.tables import write_table
from gradflow.runtime.job import job

with job(snakemake):
    folder = Path(snakemake.output.arms).parent
    write_tables(snakemake.input.runs, folder)
    write_table(folder, "arms", pd.DataFrame(snakemake.params.arms, columns=list(TABLES["arms"].columns)))
