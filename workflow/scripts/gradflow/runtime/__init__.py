"""The runtime: what Snakemake asks of a job; no other room imports it."""
