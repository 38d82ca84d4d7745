CLAIMS_CODE = code_fingerprint(
    "gradflow.analysis.claims.schema",
    "gradflow.analysis.claims.settle",
    *modules("gradflow.analysis.claims.evidence"),
)


# Which arms a claim is still open by, when arms have so many random seeds: those get more of them.
checkpoint look:
    input:
        runs=run_files,
        claims=CLAIMS,
        initial=initial_tables(),
        evidence=untrained_evidence(),
    output:
        "<results>/looks/{seeds}.json",
    log:
        "<results>/logs/look/{seeds}.log",
    benchmark:
        "<results>/benchmarks/look/{seeds}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        arms=arm_rows,
        code=[CLAIMS_CODE, code_fingerprint("gradflow.analysis.looks")],
    script:
        "../scripts/look.py"


rule tables:
    input:
        runs=run_files,
    output:
        **{
            name: f"<results>/tables/{name}.parquet"
            for name in ("norms", "layers", "profiles", "epochs", "runs", "arms")
        },
        csv=expand("<results>/tables/{name}.csv", name=["profiles", "epochs", "runs", "arms"]),
    log:
        "<results>/logs/tables.log",
    benchmark:
        "<results>/benchmarks/tables.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        arms=arm_rows,
        code=code_fingerprint("gradflow.analysis.aggregation"),
    script:
        "../scripts/tables.py"


rule cost:
    input:
        rules.tables.output.runs,
    output:
        table="<results>/tables/cost.parquet",
        csv="<results>/tables/cost.csv",
        page=report(
            "<results>/figures/cost.html",
            caption="../../report/captions/cost.rst",
            category=CATEGORIES["appendix"],
            labels={"figure": "Parameters and FLOPs"},
        ),
    log:
        "<results>/logs/cost.log",
    benchmark:
        "<results>/benchmarks/cost.tsv"
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        labels={name: entry.label for name, entry in ARCHITECTURES.items()},
        code=[
            code_fingerprint("gradflow.report.pages", "gradflow.analysis.tables"),
            *(network_fingerprint(entry, "gradflow.analysis.cost") for entry in ARCHITECTURES.values()),
        ],
    script:
        "../scripts/cost.py"


rule claims:
    input:
        claims=CLAIMS,
        evidence=evidence_files(),
    output:
        table="<results>/tables/claims.parquet",
        csv="<results>/tables/claims.csv",
        page=report(
            "<results>/figures/claims.html",
            caption="../../report/captions/claims.rst",
            category=CATEGORIES["claims"],
            labels={"figure": "Every claim and its verdict"},
        ),
    log:
        "<results>/logs/claims.log",
    benchmark:
        "<results>/benchmarks/claims.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=[CLAIMS_CODE, code_fingerprint("gradflow.report.prose.claims", "gradflow.report.notebook")],
    script:
        "../scripts/claims.py"
