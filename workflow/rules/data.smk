rule fetch:
    output:
        "results/downloads/{download}.json",
    log:
        "results/logs/fetch/{download}.log",
    benchmark:
        "results/benchmarks/fetch/{download}.tsv"
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=500,
        runtime=240,
    params:
        download=lambda wildcards: {"name": wildcards.download} | CONFIG["downloads"][wildcards.download],
        cache=CONFIG["cache"],
        code=code_fingerprint("gradflow.data.downloads"),
    script:
        "../scripts/fetch.py"


rule prepare_data:
    input:
        receipt=lambda wildcards: receipt(needed_download(CONFIG["datasets"][wildcards.dataset])),
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
    threads: 4
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=lambda wildcards: CONFIG["datasets"][wildcards.dataset],
        content=lambda wildcards: content(CONFIG["datasets"][wildcards.dataset]),
        code=code_fingerprint("gradflow.data.preparation"),
    script:
        "../scripts/prepare_data.py"
