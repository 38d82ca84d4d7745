# Where snakemake starts in this folder, or by -s from another, with the profiles that lie beside this file.
# The workflow is workflow/Snakefile; `include:` would leave its default target behind.
workflow.include("workflow/Snakefile", overwrite_default_target=True)
