"""Execute the report notebook and turn it into a page that opens offline."""

from pathlib import Path

from gradflow.jobs import job
from gradflow.notebooks import execute, to_page

with job(snakemake):
    parameters = {
        "results": str(Path("results").resolve()),
        "studies": snakemake.params.studies,
        "thresholds": snakemake.params.thresholds,
        "datasets": [str(Path(path).resolve()) for path in snakemake.input.datasets],
        "probed": "probe" in snakemake.config["select"],
        "claims": [str(Path(path).resolve()) for path in snakemake.input.claims],
        "draws": [str(Path(path).resolve()) for path in snakemake.input.draws],
    }
    execute(snakemake.input.template, snakemake.output.notebook, parameters)
    to_page(snakemake.output.notebook, snakemake.output.page)
