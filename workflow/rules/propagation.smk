# Networks at initialisation, one backward pass each: every arm's for more random seeds, notebook 004's, and growing depth.
rule first_backward:
    input:
        expand(rules.prepare_data.output, dataset=sorted({run.dataset for run in STARTS.values()})),
    output:
        table="results/tables/first_backward.parquet",
        csv="results/tables/first_backward.csv",
    log:
        "results/logs/first_backward.log",
    benchmark:
        "results/benchmarks/first_backward.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: CONFIG["threads"]
    resources:
        gpu=GPU,
        mem_mb=initial_memory,
        runtime=initial_minutes,
        device=CONFIG["device"],
    params:
        columns=columns_of("first_backward"),
        starts={start: run.settings for start, run in STARTS.items()},
        seeds=list(studies.random_seeds(CONFIG, CONFIG["scale"]["initial_seeds"])),
        code=[
            network_fingerprint(entry, "gradflow.propagation.first_backward", "gradflow.training.device")
            for entry in ARCHITECTURES.values()
        ],
    script:
        "../scripts/first_backward.py"


rule random_mlps:
    output:
        "results/mlp/depth{depth}-width{width}.npz",
    log:
        "results/logs/random_mlps/depth{depth}-width{width}.log",
    benchmark:
        "results/benchmarks/random_mlps/depth{depth}-width{width}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: CONFIG["threads"]
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        settings={key: CONFIG["mlp"][key] for key in ("activations", "inits", "draws", "samples", "seed")},
        code=code_fingerprint("gradflow.propagation.random_mlps"),
    script:
        "../scripts/random_mlps.py"


rule depth_at_init:
    input:
        expand(rules.prepare_data.output, dataset=CONFIG["scale"]["dataset"]),
    output:
        table="results/tables/depth_at_init.parquet",
        csv="results/tables/depth_at_init.csv",
    log:
        "results/logs/depth_at_init.log",
    benchmark:
        "results/benchmarks/depth_at_init.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: CONFIG["threads"]
    resources:
        gpu=GPU,
        mem_mb=growing(6000),
        runtime=growing(240),
        device=CONFIG["device"],
    params:
        columns=columns_of("depth_at_init"),
        settings=CONFIG["depth_at_init"] | {"first_seed": CONFIG["scale"]["first_seed"]},
        size=CONFIG["datasets"][CONFIG["scale"]["dataset"]]["size"],
        code=network_fingerprint(
            architectures.find_architecture("cifar_resnet"),
            "gradflow.propagation.depth_at_init",
            "gradflow.data.batches",
            "gradflow.training.device",
        ),
    script:
        "../scripts/depth_at_init.py"


rule depth_at_init_figure:
    input:
        rules.depth_at_init.output.table,
    output:
        figure=report(
            "results/figures/depth_at_init/depth.png",
            caption="../../report/captions/depth_at_init.rst",
            category="Depth at initialisation",
            labels={"figure": "Gradient, correlation and branches against depth"},
        ),
        vector="results/figures/depth_at_init/depth.svg",
    log:
        "results/logs/depth_at_init_figure.log",
    benchmark:
        "results/benchmarks/depth_at_init_figure.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code_fingerprint("gradflow.report.figures.depth_at_init"),
    script:
        "../scripts/depth_at_init_figure.py"


rule random_mlp_profiles:
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
        "results/logs/random_mlp_profiles/width{width}.log",
    benchmark:
        "results/benchmarks/random_mlp_profiles/width{width}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        depths=CONFIG["mlp"]["depths"],
        code=code_fingerprint("gradflow.report.figures.random_mlps"),
    script:
        "../scripts/random_mlp_profiles.py"


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
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code_fingerprint("gradflow.report.figures.random_mlps"),
    script:
        "../scripts/printed_norms.py"
