"""Settle the claims by what the run left."""

from pathlib import Path

from gradflow.analysis.claims.evidence import gather
from gradflow.analysis.claims.schema import read_claims
from gradflow.analysis.claims.settle import settle
from gradflow.analysis.tables import write_table
from gradflow.report.notebook import markdown_page
from gradflow.report.prose.claims import claims_table, reasons, verdict_counts
from gradflow.runtime.job import job

TITLE = "Claims and their verdicts"

with job(snakemake):
    claims = read_claims(snakemake.input.claims)
    table = settle(claims, gather(snakemake.input.evidence))
    notes = {claim["id"]: claim.get("note", "") for claim in claims}
    write_table(Path(snakemake.output.table).parent, "claims", table)
    parts = f"# {TITLE}", f"**{verdict_counts(table)}**", claims_table(table)
    why = "## Why claims are refuted or mixed", reasons(table, notes)
    markdown_page(snakemake.output.page, TITLE, "\n\n".join(parts + why))
