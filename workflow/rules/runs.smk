rule train:
    input:
        data=lambda wildcards: expand(rules.prepare_data.output, dataset=RUNS[wildcards.run].dataset),
        weights=lambda wildcards: receipt(weights_of(RUNS[wildcards.run])),
    output:
        RESULT,
    log:
        "results/logs/train/{run}.log",
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
        checkpoint="results/checkpoints/{run}.pt",  # no output: Snakemake would delete it when the job fails
    script:
        "../scripts/train.py"
