"""Compare finished runs with their recomputations, and say how far they differ."""

from pathlib import Path

from gradflow.analysis.reproducibility import verification_summary, verify
from gradflow.analysis.tables import write_csv
from gradflow.errors import GradflowError
from gradflow.files import atomic_write
from gradflow.runtime.job import job

with job(snakemake) as terminal:
    finished = snakemake.params.finished
    if not finished:
        raise GradflowError("verify: no run of this configuration has finished yet; run the workflow first.")
    again = {Path(path).stem: Path(path) for path in snakemake.input}
    table = verify(finished, snakemake.params.drawn, again)
    summary = verification_summary(table, len(finished))
    folder = Path(snakemake.params.folder)
    write_csv(folder / "report.csv", table)
    atomic_write(folder / "report.txt", lambda stream: stream.write(summary.encode()))
    print(summary, end="", file=terminal, flush=True)
    damaged = int((table["outcome"] == "damaged").sum())
    if damaged:
        raise GradflowError(f"verify: {damaged} of {len(finished)} results cannot be verified; they are named above.")
