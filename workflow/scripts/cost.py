"""Count what every network of the runs costs."""

from gradflow.analysis.cost import TITLES, cost_table
from gradflow.config.architectures import known
from gradflow.files import write_table
from gradflow.report.pages import table_page
from gradflow.runtime.job import job

NOTE = (
    "FLOPs of one forward and backward pass, two for a multiply-add. Activations are the outputs of all layers with "
    "parameters for one image, float32, and their gradients: times the batch size, what training keeps. Step time and "
    "memory were measured while the gradients were recorded; the median over the runs of a network."
)

with job(snakemake):
    table = cost_table(snakemake.input[0], known(snakemake.config["architectures"]))
    write_table(snakemake.output.table, table)
    table_page(snakemake.output.page, "Cost of the networks", table[list(TITLES)].rename(columns=TITLES), NOTE)
