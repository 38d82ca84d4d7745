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


rule prepare_data:
    input:
        receipt=lambda wildcards: receipt(needed_download(CONFIG["datasets"][wildcards.dataset])),
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
        settings=lambda wildcards: CONFIG["datasets"][wildcards.dataset],
        content=lambda wildcards: content(CONFIG["datasets"][wildcards.dataset]),
        # Of the sources, its own alone: another one is no reason to prepare it again.
        code=lambda wildcards: code_fingerprint(
            "gradflow.data.prepare", module_of(CONFIG["datasets"][wildcards.dataset]["source"])
        ),
    script:
        "../scripts/prepare_data.py"
