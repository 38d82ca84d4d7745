# Networks at initialisation, one backward pass each: every arm's for more random seeds, seed 004's, and growing depth.
rule initial:
    input:
        expand(rules.prepare_data.output, dataset=sorted({run.dataset for run in STARTS.values()})),
    output:
        "results/tables/initial.csv",
    log:
        "results/logs/initial.log",
    benchmark:
        "results/benchmarks/initial.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: CONFIG["threads"]
    resources:
        gpu=GPU,
        mem_mb=initial_memory,
        runtime=initial_minutes,
        device=CONFIG["device"],
    params:
        starts={start: run.settings for start, run in STARTS.items()},
        seeds=list(studies.random_seeds(CONFIG, CONFIG["scale"]["initial_seeds"])),
        code=[network_fingerprint(entry, "gradflow.initial", "gradflow.devices") for entry in ARCHITECTURES.values()],
    script:
        "../scripts/initial.py"


rule draw_mlps:
    output:
        "results/mlp/depth{depth}-width{width}.npz",
    log:
        "results/logs/draw_mlps/depth{depth}-width{width}.log",
    benchmark:
        "results/benchmarks/draw_mlps/depth{depth}-width{width}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: CONFIG["threads"]
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        settings={key: CONFIG["mlp"][key] for key in ("activations", "inits", "draws", "samples", "seed")},
        code=code_fingerprint("gradflow.draws"),
    script:
        "../scripts/draw_mlps.py"


rule probe:
    input:
        expand(rules.prepare_data.output, dataset=CONFIG["scale"]["dataset"]),
    output:
        "results/tables/probes.csv",
    log:
        "results/logs/probe.log",
    benchmark:
        "results/benchmarks/probe.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: CONFIG["threads"]
    resources:
        gpu=GPU,
        mem_mb=growing(6000),
        runtime=growing(240),
        device=CONFIG["device"],
    params:
        settings=CONFIG["probe"] | {"first_seed": CONFIG["scale"]["first_seed"]},
        size=CONFIG["datasets"][CONFIG["scale"]["dataset"]]["size"],
        code=network_fingerprint(
            architectures.find("cifar_resnet"), "gradflow.probes", "gradflow.data.batches", "gradflow.devices"
        ),
    script:
        "../scripts/probe.py"


rule probe_figure:
    input:
        rules.probe.output,
    output:
        figure=report(
            "results/figures/probe/depth.png",
            caption="../../report/captions/probe.rst",
            category="Depth at initialisation",
            labels={"figure": "Gradient, correlation and branches against depth"},
        ),
        vector="results/figures/probe/depth.svg",
    log:
        "results/logs/probe_figure.log",
    benchmark:
        "results/benchmarks/probe_figure.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code_fingerprint("gradflow.figures.probes"),
    script:
        "../scripts/probe_figure.py"


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
        mem_mb=growing(2000),
        runtime=growing(30),
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
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code_fingerprint("gradflow.figures.random_mlps"),
    script:
        "../scripts/printed_norms.py"
