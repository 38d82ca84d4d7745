"""Write the explorer of all arms."""

from pathlib import Path

from gradflow.report.explorer.from_results import arms_of_results
from gradflow.report.explorer.page import TITLE, write_explorer
from gradflow.runtime.job import job

with job(snakemake):
    results = Path(snakemake.input.tables[0]).parents[1]
    write_explorer(snakemake.output.page, TITLE, arms_of_results(results, snakemake.params.thresholds))
