# Trains a random sample of the finished runs again and compares. Their files are parameters, no inputs: they are verified
# as they are, and never made again for it, however old. Nothing else depends on these rules.
import time
from functools import cache

from gradflow import verification


@cache
def drawn_runs():
    """The finished runs to verify; drawn once, as those that finish meanwhile were not there when this was asked."""
    return verification.draw(finished_runs(), CONFIG["verify_runs"], CONFIG["verify_seed"])


def recomputations(wildcards):
    """What the drawn runs come to when they are trained again; one whose result is damaged is not."""
    files = finished_runs()
    return [f"results/verify/{run}.npz" for run in drawn_runs() if verification.whole(files[run])]


def recipe(wildcards):
    """How to make a run again, as its result says."""
    return verification.recipe(RESULT.format(run=wildcards.run))


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
        checkpoint="results/verify/{run}.pt",
        asked=time.time(),  # a recomputation of another time answers nothing


rule verify:
    input:
        recomputations,
    log:
        "results/logs/verify.log",
    retries: 0
    conda:
        "../../envs/analysis.yaml"
    params:
        finished=lambda wildcards: finished_runs(),
        drawn=lambda wildcards: drawn_runs(),
    script:
        "../scripts/verify.py"
