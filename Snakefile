# gradflow: how gradients flow through deep networks, from data to report.
# Functions are in workflow/rules/common.smk, the science in workflow/scripts/gradflow/.
from snakemake.utils import min_version

min_version("9.27")


include: "workflow/rules/checkout.smk"


configfile: shipped("config.yaml")


# The folder that the workflow runs in may have one of its own, which is laid over it.
if Path("config.yaml").exists() and not Path("config.yaml").samefile(shipped("config.yaml")):

    configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/looks.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/plan.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/runs.smk"
include: "workflow/rules/propagation.smk"
include: "workflow/rules/landmarks.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/verify.smk"


report: "report/workflow.rst"


localrules:
    all,
    runs,
    fetch,
    verify,


rule all:
    default_target: True
    input:
        run_files,  # one that was deleted is trained again, though what was made from it is there
        analysis_targets(),
        "<results>/report/analysis.html",


rule runs:
    input:
        run_files,
