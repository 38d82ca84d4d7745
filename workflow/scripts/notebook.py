"""Execute the report notebook and turn it into a page that opens offline."""

from pathlib import Path

from gradflow.report.notebook import execute, to_page
from gradflow.runtime.job import job

with job(snakemake):
    studies = {name: snakemake.config["studies"][name] for name in snakemake.params.studies}
    parameters = {
        "results": str(Path(snakemake.config["results"]).resolve()),
        "studies": [[name, study["question"]] for name, study in studies.items()],
        "thresholds": snakemake.params.thresholds,
        "findings": {name: study["finding"] for name, study in studies.items()},
        "datasets": [str(Path(path).resolve()) for path in snakemake.input.datasets],
        **{name: name in snakemake.config["select"] for name in ("depth_at_init", "initial_survey", "alignment")},
        "citation": str(Path(snakemake.input.citation).resolve()),
        "claims": [str(Path(path).resolve()) for path in snakemake.input.claims],
        "random_mlps": [str(Path(path).resolve()) for path in snakemake.input.random_mlps],
    }
    execute(snakemake.input.template, snakemake.output.notebook, parameters)
    to_page(snakemake.output.notebook, snakemake.output.page)
