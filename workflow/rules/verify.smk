# Trains a random sample of the finished runs again and compares. Their files are parameters, no inputs: they are verified
# as they are, and never made again for it, however old. Nothing else depends on these rules.
import time
from functools import cache

from gradflow import verification


def finished_runs():
    """The results that are there, by run, of the runs of this configuration."""
    files = {run: f"results/runs/{run}/norms.npz" for run in RUNS}
    return {run: path for run, path in files.items() if Path(path).exists()}


@cache
def drawn_runs():
    return verification.draw(finished_runs(), CONFIG["verify_runs"], CONFIG["verify_seed"])


def recomputations(wildcards):
    files = finished_runs()
    return [f"results/verify/{run}.npz" for run in drawn_runs() if verification.whole(files[run])]


def recipe(wildcards):
    return verification.recipe(f"results/runs/{wildcards.run}/norms.npz")


use rule train as recompute with:
    output:
        "results/verify/{run}.npz",
    log:
        "results/logs/recompute/{run}.log",
    benchmark:
        "results/benchmarks/recompute/{run}.tsv"
    params:
        settings=lambda wildcards: recipe(wildcards)["settings"],
        dataset=lambda wildcards: recipe(wildcards)["dataset_fingerprint"],
        asked=time.time(),  # a recomputation of another time answers nothing


rule verify:
    input:
        recomputations,
    log:
        "results/logs/verify.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        finished=lambda wildcards: finished_runs(),
        drawn=lambda wildcards: drawn_runs(),
    script:
        "../scripts/verify.py"
