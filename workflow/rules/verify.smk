# Trains a random sample of the finished runs again and compares. Their files are parameters, no inputs: they are verified
# as they are, and never made again for it, however old. Nothing else depends on these rules.
import time


use rule train as recompute with:
    output:
        "<results>/verify/{run}.npz",
    log:
        "<results>/logs/recompute/{run}.log",
    params:
        settings=lambda wildcards: recipe_of(wildcards)["settings"],
        dataset=lambda wildcards: recipe_of(wildcards)["dataset_fingerprint"],
        memory_format=lambda wildcards: recipe_of(wildcards)["memory_format"],
        checkpoint=str(RESULTS / "verify" / "{run}.pt"),
        asked=time.time(),  # a recomputation of another time answers nothing


rule verify:
    input:
        recomputations,
    log:
        "<results>/logs/verify.log",
    retries: 0
    conda:
        "../../envs/analysis.yaml"
    params:
        finished=lambda wildcards: finished_runs(),
        drawn=lambda wildcards: drawn_runs(),
        folder=str(RESULTS / "verify"),
    script:
        "../scripts/verify.py"
