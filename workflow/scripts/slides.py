"""Write the ten slides of a run."""

import json
from pathlib import Path

from gradflow.analysis.tables import empty_table, read_table
from gradflow.report.slides import slides, write_slides
from gradflow.runtime.job import job

with job(snakemake):
    tables = Path(snakemake.output.page).parents[1] / "tables"
    shown = slides(
        tables,
        snakemake.params.studies,
        snakemake.params.thresholds,
        [json.loads(Path(path).read_text(encoding="utf-8")) for path in snakemake.input.datasets],
        *(
            read_table(tables, name) if snakemake.input[name] else empty_table(name)
            for name in ("claims", "depth_at_init")
        ),
        next(map(Path, snakemake.input.depth_figure), None),
        snakemake.config["command"],
    )
    write_slides(snakemake.output.page, Path(snakemake.input.style).read_text(encoding="utf-8"), shown)
