rule tables:
    input:
        run_files(),
    output:
        norms="results/tables/norms.parquet",
        profiles="results/tables/profiles.csv",
        layers="results/tables/layers.parquet",
        epochs="results/tables/epochs.csv",
        runs="results/tables/runs.csv",
        arms="results/tables/arms.csv",
    log:
        "results/logs/tables.log",
    benchmark:
        "results/benchmarks/tables.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        arms=arm_rows(),
        code=code_fingerprint("gradflow.analysis.tables"),
    script:
        "../scripts/tables.py"


rule cost:
    input:
        "results/tables/runs.csv",
    output:
        table="results/tables/cost.csv",
        page=report(
            "results/figures/cost.html",
            caption="../../report/captions/cost.rst",
            category="Cost",
            labels={"figure": "Parameters and FLOPs"},
        ),
    log:
        "results/logs/cost.log",
    benchmark:
        "results/benchmarks/cost.tsv"
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        labels={name: entry.label for name, entry in ARCHITECTURES.items()},
        code=[
            code_fingerprint("gradflow.report.pages"),
            *(network_fingerprint(entry, "gradflow.analysis.cost") for entry in ARCHITECTURES.values()),
        ],
    script:
        "../scripts/cost.py"


rule claims:
    input:
        claims="report/claims.yaml",
        evidence=evidence_files(),
    output:
        table="results/tables/claims.csv",
        page=report(
            "results/figures/claims.html",
            caption="../../report/captions/claims.rst",
            category="Claims",
            labels={"figure": "Every claim and its verdict"},
        ),
    log:
        "results/logs/claims.log",
    benchmark:
        "results/benchmarks/claims.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code_fingerprint(
            "gradflow.analysis.claims.settle",
            "gradflow.report.prose.claims",
            "gradflow.report.notebook",
            *modules("gradflow.analysis.claims.evidence"),
        ),
    script:
        "../scripts/claims.py"
