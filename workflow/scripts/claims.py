"""Settle the claims by what the run left."""

from gradflow.claim_answers import claims_table, reasons, verdict_counts
from gradflow.claims import load, settle
from gradflow.evidence import gather
from gradflow.files import write_table
from gradflow.jobs import job
from gradflow.notebooks import markdown_page

TITLE = "Claims and their verdicts"

with job(snakemake):
    claims = load(snakemake.input.claims)
    table = settle(claims, gather(snakemake.input.evidence))
    notes = {claim["id"]: claim.get("note", "") for claim in claims}
    write_table(snakemake.output.table, table)
    parts = f"# {TITLE}", f"**{verdict_counts(table)}**", claims_table(table)
    why = "## Why claims are refuted or mixed", reasons(table, notes)
    markdown_page(snakemake.output.page, TITLE, "\n\n".join(parts + why))
