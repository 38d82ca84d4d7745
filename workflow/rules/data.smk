rule prepare_data:
    output:
        images="results/data/{dataset}/images.npy",
        labels="results/data/{dataset}/labels.npy",
        split="results/data/{dataset}/split.npy",
        facts="results/data/{dataset}/dataset.json",
    log:
        "results/logs/prepare_data/{dataset}.log",
    benchmark:
        "results/benchmarks/prepare_data/{dataset}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        settings=lambda wildcards: CONFIG["datasets"][wildcards.dataset],
        listing=lambda wildcards: listing(CONFIG["datasets"][wildcards.dataset]),
        code=code_fingerprint("gradflow.data.sources"),
    script:
        "../scripts/prepare_data.py"
