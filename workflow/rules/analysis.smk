FIGURES = {
    "decades": "Verdict in decades",
    "profile_activation": "Activation gradient against depth",
    "profile_weight": "Weight gradient against depth",
    "layers": "Every layer over time",
    "layers_named": "Named layers over time",
    "curves": "Training curves",
    "filters": "First-layer filters",
    "confusion": "Confusion matrices",
}

def analysis_targets():
    """Every file that the analysis leaves, for the studies that are selected."""
    files = []
    if STUDIES:
        files += expand(rules.study_figures.output, study=STUDY) + list(rules.tables.output) + [rules.cost.output.page]
    if "mlp" in CONFIG["select"]:
        files += expand(rules.draw_profiles.output, width=CONFIG["mlp"]["widths"])
        if 5 in CONFIG["mlp"]["depths"] and 10 in CONFIG["mlp"]["widths"]:  # the networks that seed 004 printed
            files += list(rules.printed_norms.output)
    return files


rule tables:
    input:
        run_files(),
    output:
        norms="results/tables/norms.parquet",
        profiles="results/tables/profiles.csv",
        layers="results/tables/layers.csv",
        epochs="results/tables/epochs.csv",
        runs="results/tables/runs.csv",
        arms="results/tables/arms.csv",
    params:
        arms=arm_rows(),
        code=code_fingerprint("gradflow.tables"),
    log:
        "results/logs/tables.log",
    benchmark:
        "results/benchmarks/tables.tsv"
    resources:
        mem_mb=2000,
        runtime=60,
    script:
        "../scripts/tables.py"


rule cost:
    output:
        table="results/tables/cost.csv",
        page=report(
            "results/figures/cost.html",
            caption="../../report/captions/cost.rst",
            category="Cost",
            labels={"figure": "Parameters and FLOPs"},
        ),
    input:
        "results/tables/runs.csv",
    params:
        code=code_fingerprint("gradflow.cost", "gradflow.pages"),
    log:
        "results/logs/cost.log",
    benchmark:
        "results/benchmarks/cost.tsv"
    resources:
        mem_mb=2000,
        runtime=30,
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
                category="{study}",
                labels={"figure": title},
            )
            for name, title in FIGURES.items()
        },
        histograms=report(
            "results/figures/{study}/histograms.html",
            caption="../../report/captions/histograms.rst",
            category="{study}",
            labels={"figure": "Histograms by epoch, animated"},
        ),
        animation="results/figures/{study}/histograms.gif",
        vectors=[f"results/figures/{{study}}/{name}.svg" for name in FIGURES],
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
    log:
        "results/logs/study_figures/{study}.log",
    benchmark:
        "results/benchmarks/study_figures/{study}.tsv"
    resources:
        mem_mb=2000,
        runtime=60,
    script:
        "../scripts/study_figures.py"


rule draw_profiles:
    input:
        expand("results/mlp/depth{depth}-width{{width}}.npz", depth=CONFIG["mlp"]["depths"]),
    output:
        figure=report(
            "results/figures/mlp/profiles-width{width}.png",
            caption="../../report/captions/mlp_profiles.rst",
            category="mlp",
            labels={"figure": "Weight gradients of random MLPs, width {width}"},
        ),
        vector="results/figures/mlp/profiles-width{width}.svg",
    params:
        depths=CONFIG["mlp"]["depths"],
        code=code_fingerprint("gradflow.figures.random_mlps"),
    log:
        "results/logs/draw_profiles/width{width}.log",
    benchmark:
        "results/benchmarks/draw_profiles/width{width}.tsv"
    resources:
        mem_mb=2000,
        runtime=30,
    script:
        "../scripts/draw_profiles.py"


rule printed_norms:
    input:
        "results/mlp/depth5-width10.npz",
    output:
        figure=report(
            "results/figures/mlp/printed.png",
            caption="../../report/captions/mlp_printed.rst",
            category="mlp",
            labels={"figure": "Seed 004's printed norms"},
        ),
        vector="results/figures/mlp/printed.svg",
    params:
        code=code_fingerprint("gradflow.figures.random_mlps"),
    log:
        "results/logs/printed_norms.log",
    benchmark:
        "results/benchmarks/printed_norms.tsv"
    resources:
        mem_mb=2000,
        runtime=30,
    script:
        "../scripts/printed_norms.py"
