"""Measure how far one sample's gradient is from draw to draw in ReLU networks."""

from functools import partial
from pathlib import Path

from tqdm import tqdm

from gradflow.analysis.tables import write_table
from gradflow.propagation.log_norm_variance import log_norm_variance_table
from gradflow.runtime.job import job
from gradflow.training.device import choose_device

with job(snakemake) as terminal:
    choose_device("cpu", snakemake.threads)
    progress = partial(tqdm, desc="log norm variance", leave=False, disable=None, file=terminal)
    table = log_norm_variance_table(**snakemake.params.settings, progress=progress)
    write_table(Path(snakemake.output.table).parent, "log_norm_variance", table)
