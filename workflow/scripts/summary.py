"""Write the opening page: the report's own text, and a page of its own."""

import json
from pathlib import Path

from gradflow.analysis.tables import empty_table, read_table
from gradflow.report.summary import summary_body, write_summary
from gradflow.runtime.job import job

with job(snakemake):
    tables = Path(snakemake.output.page).parents[1] / "tables"
    body = summary_body(
        tables,
        snakemake.params.studies,
        snakemake.params.thresholds,
        [json.loads(Path(path).read_text(encoding="utf-8")) for path in snakemake.input.datasets],
        read_table(tables, "claims") if snakemake.input.claims else empty_table("claims"),
    )
    style, introduction = (
        Path(path).read_text(encoding="utf-8") for path in (snakemake.input.style, snakemake.input.introduction)
    )
    write_summary(
        snakemake.output.text, snakemake.output.page, style, introduction, body, bool(snakemake.params.studies)
    )
