# Measured once for a results folder, on the device that trains; it has no parameters, so that the folder keeps it.
rule memory_format:
    output:
        "<results>/memory_format.json",
    log:
        "<results>/logs/memory_format.log",
    benchmark:
        "<results>/benchmarks/memory_format.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: CONFIG["threads"]
    resources:
        gpu=GPU,
        mem_mb=growing(4000),
        runtime=growing(20),
        device=CONFIG["device"],
    script:
        "../scripts/memory_format.py"


rule train:
    input:
        data=lambda wildcards: expand(rules.prepare_data.output, dataset=RUNS[wildcards.run].dataset),
        weights=lambda wildcards: receipt(weights_of(RUNS[wildcards.run])),
        memory_format=lambda wildcards: (
            [] if named_format(RUNS[wildcards.run]) else ancient(rules.memory_format.output[0])
        ),
    output:
        RESULT,
    log:
        "<results>/logs/train/{run}.log",
    group:
        shared_job
    conda:
        "../../envs/torch.yaml"
    threads: CONFIG["threads"]
    resources:
        gpu=GPU,
        mem_mb=run_memory,
        runtime=run_minutes,
        device=CONFIG["device"],
    params:
        settings=lambda wildcards: RUNS[wildcards.run].settings,
        weights=lambda wildcards: CONFIG["downloads"].get(weights_of(RUNS[wildcards.run]), {}).get("sha256"),
        code=lambda wildcards: CODES[wildcards.run],
        memory_format=lambda wildcards: named_format(RUNS[wildcards.run]),
        checkpoint=str(RESULTS / "checkpoints" / "{run}.pt"),  # no output: Snakemake would delete it when the job fails
    script:
        "../scripts/train.py"
