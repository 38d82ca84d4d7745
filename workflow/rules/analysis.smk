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
        mem_mb=2000,
        runtime=60,
    params:
        arms=arm_rows(),
        code=code_fingerprint("gradflow.tables"),
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
        mem_mb=2000,
        runtime=30,
    params:
        code=code_fingerprint("gradflow.cost", "gradflow.pages"),
    script:
        "../scripts/cost.py"


rule study_figures:
    input:
        tables=rules.tables.output,
        runs=runs_of,
    output:
        **{
            name: report(
                f"results/figures/{{study}}/{name}.png",
                caption=f"../../report/captions/{name}.rst",
                category=study_title,
                labels={"figure": title},
            )
            for name, title in FIGURES.items()
        },
        histograms=report(
            "results/figures/{study}/histograms.html",
            caption="../../report/captions/histograms.rst",
            category=study_title,
            labels={"figure": "Histograms by epoch, animated"},
        ),
        animation="results/figures/{study}/histograms.gif",
        vectors=[f"results/figures/{{study}}/{name}.svg" for name in FIGURES],
    log:
        "results/logs/study_figures/{study}.log",
    benchmark:
        "results/benchmarks/study_figures/{study}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        layers=lambda wildcards: STUDY[wildcards.study].layers,
        thresholds=CONFIG["verdict"],
        code=code_fingerprint(
            "gradflow.figures.profiles",
            "gradflow.figures.histograms",
            "gradflow.figures.timelines",
            "gradflow.figures.pictures",
            "gradflow.study_tables",
        ),
    script:
        "../scripts/study_figures.py"


rule draw_profiles:
    input:
        expand("results/mlp/depth{depth}-width{{width}}.npz", depth=CONFIG["mlp"]["depths"]),
    output:
        figure=report(
            "results/figures/mlp/profiles-width{width}.png",
            caption="../../report/captions/mlp_profiles.rst",
            category="Random MLPs",
            labels={"figure": "Weight gradients of random MLPs, width {width}"},
        ),
        vector="results/figures/mlp/profiles-width{width}.svg",
    log:
        "results/logs/draw_profiles/width{width}.log",
    benchmark:
        "results/benchmarks/draw_profiles/width{width}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        depths=CONFIG["mlp"]["depths"],
        code=code_fingerprint("gradflow.figures.random_mlps"),
    script:
        "../scripts/draw_profiles.py"


rule printed_norms:
    input:
        "results/mlp/depth5-width10.npz",
    output:
        figure=report(
            "results/figures/mlp/printed.png",
            caption="../../report/captions/mlp_printed.rst",
            category="Random MLPs",
            labels={"figure": "Notebook 004's printed norms"},
        ),
        vector="results/figures/mlp/printed.svg",
    log:
        "results/logs/printed_norms.log",
    benchmark:
        "results/benchmarks/printed_norms.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_fingerprint("gradflow.figures.random_mlps"),
    script:
        "../scripts/printed_norms.py"
