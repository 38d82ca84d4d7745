# A receipt is named by the hash of its file, and `fetch` has no parameters: another mirror, or another way of fetching,
# is no reason to run anything again. What is fetched is verified wherever it is used.
rule fetch:
    output:
        "<results>/downloads/{download}-{hash}.json",
    log:
        "<results>/logs/fetch/{download}-{hash}.log",
    benchmark:
        "<results>/benchmarks/fetch/{download}-{hash}.tsv"
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(500),
        runtime=growing(240),
    script:
        "../scripts/fetch.py"


# A checkpoint: whether what is made of a data set is to be made again is known by what it holds, once it is prepared.
checkpoint prepare_data:
    input:
        receipts=lambda wildcards: [receipt(name) for name in needed_downloads(CONFIG["datasets"][wildcards.dataset])],
        gone=lambda wildcards: gone_from(CONFIG["datasets"][wildcards.dataset]),
    output:
        images="<results>/data/{dataset}/images.npy",
        labels="<results>/data/{dataset}/labels.npy",
        split="<results>/data/{dataset}/split.npy",
        facts="<results>/data/{dataset}/dataset.json",
    log:
        "<results>/logs/prepare_data/{dataset}.log",
    benchmark:
        "<results>/benchmarks/prepare_data/{dataset}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 4
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        settings=lambda wildcards: what_matters(CONFIG["datasets"][wildcards.dataset]),
        drop_damaged=lambda wildcards: allowed_damage(wildcards.dataset),
        content=lambda wildcards: content(CONFIG["datasets"][wildcards.dataset]),
        code=lambda wildcards: source_code(CONFIG["datasets"][wildcards.dataset]),
    script:
        "../scripts/prepare_data.py"
