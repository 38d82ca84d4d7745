"""Say which arms a claim is still open by: they are trained with more random seeds."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from gradflow.analysis.claims.schema import read_claims
from gradflow.analysis.looks import gather_at_look, open_arms
from gradflow.files import atomic_write
from gradflow.runtime.job import job

with job(snakemake), TemporaryDirectory() as folder:
    given = snakemake.input
    evidence = gather_at_look(given.runs, snakemake.params.arms, given.initial, given.evidence, folder)
    found = open_arms(read_claims(given.claims), evidence)
    print(f"{len(found)} arms get more random seeds:", *(f"{study}: {label}" for study, label in found), sep="\n")
    atomic_write(Path(snakemake.output[0]), lambda stream: stream.write(json.dumps(found, indent=1).encode()))
