"""Count what every network of the runs costs."""

from pathlib import Path

from gradflow.analysis.cost import by_architecture, cost_table
from gradflow.analysis.tables import read_table, write_table
from gradflow.config.architectures import known
from gradflow.report.pages import table_page
from gradflow.runtime.job import job

NOTE = (
    "FLOPs of one forward and backward pass, two for a multiply-add. Activations are the outputs of all layers with "
    "parameters for one image, float32, and their gradients: times the batch size, what training keeps. Step time and "
    "memory were measured while the gradients were recorded; the median over the runs of a network. The networks of an "
    "architecture differ in their options, images or optimizer; the table cost has a row for each."
)

with job(snakemake):
    folder = Path(snakemake.output.table).parent
    architectures = known(snakemake.config["architectures"])
    table = cost_table(read_table(folder, "runs"), architectures)
    write_table(folder, "cost", table)
    table_page(snakemake.output.page, "Cost of the networks", by_architecture(table, architectures), NOTE)
