# Networks at initialisation: one backward pass each, for more random seeds than are trained, and what it is owed to.
rule first_backward:
    input:
        expand(rules.prepare_data.output, dataset=sorted({run.dataset for run in STARTS.values()})),
    output:
        table="<results>/tables/first_backward.parquet",
        csv="<results>/tables/first_backward.csv",
    log:
        "<results>/logs/first_backward.log",
    benchmark:
        "<results>/benchmarks/first_backward.tsv"
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


rule theory:
    input:
        expand(rules.prepare_data.output, dataset=sorted({run.dataset for run in STARTS.values()})),
    output:
        totals="<results>/tables/theory.parquet",
        layers="<results>/tables/theory_layers.parquet",
        csv=expand("<results>/tables/{name}.csv", name=["theory", "theory_layers"]),
    log:
        "<results>/logs/theory.log",
    benchmark:
        "<results>/benchmarks/theory.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: CONFIG["threads"]
    resources:
        gpu=GPU,
        mem_mb=initial_memory,
        runtime=theory_minutes,
        device=CONFIG["device"],
    params:
        columns=[columns_of("theory"), columns_of("theory_layers")],
        starts={start: run.settings for start, run in STARTS.items()},
        seeds=list(studies.random_seeds(CONFIG, CONFIG["scale"]["theory_seeds"])),
        code=[
            network_fingerprint(entry, "gradflow.propagation.survey", "gradflow.training.device")
            for entry in ARCHITECTURES.values()
        ],
    script:
        "../scripts/theory.py"


rule initial_survey:
    output:
        table="<results>/tables/initial_survey.parquet",
        csv="<results>/tables/initial_survey.csv",
    log:
        "<results>/logs/initial_survey.log",
    benchmark:
        "<results>/benchmarks/initial_survey.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: CONFIG["threads"]
    resources:
        gpu=GPU,
        mem_mb=growing(8000),
        runtime=growing(240),
        device=CONFIG["device"],
    params:
        columns=columns_of("initial_survey"),
        settings={name: CONFIG["initial_survey"][name] for name in ("inits", "width", "images")},
        seeds=list(studies.random_seeds(CONFIG, CONFIG["initial_survey"]["seeds"])),
        architectures=surveyed_sizes(),
        code=[
            network_fingerprint(entry, "gradflow.propagation.survey", "gradflow.training.device")
            for entry in SURVEYED.values()
        ],
    script:
        "../scripts/initial_survey.py"


rule alignment:
    input:
        expand(rules.prepare_data.output, dataset=CONFIG["scale"]["dataset"]),
    output:
        table="<results>/tables/alignment.parquet",
        csv="<results>/tables/alignment.csv",
    log:
        "<results>/logs/alignment.log",
    benchmark:
        "<results>/benchmarks/alignment.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: CONFIG["threads"]
    resources:
        gpu=GPU,
        mem_mb=growing(8000),
        runtime=growing(240),
        device=CONFIG["device"],
    params:
        columns=columns_of("alignment"),
        settings={name: value for name, value in CONFIG["alignment"].items() if name != "seeds"}
        | {"image_size": CONFIG["datasets"][CONFIG["scale"]["dataset"]]["size"]},
        seeds=list(studies.random_seeds(CONFIG, CONFIG["alignment"]["seeds"])),
        code=[
            network_fingerprint(SURVEYED[name], "gradflow.propagation.alignment", "gradflow.training.device")
            for name in CONFIG["alignment"]["architectures"]
        ],
    script:
        "../scripts/alignment.py"


rule random_mlps:
    output:
        "<results>/mlp/depth{depth}-width{width}.npz",
    log:
        "<results>/logs/random_mlps/depth{depth}-width{width}.log",
    benchmark:
        "<results>/benchmarks/random_mlps/depth{depth}-width{width}.tsv"
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
        table="<results>/tables/depth_at_init.parquet",
        csv="<results>/tables/depth_at_init.csv",
    log:
        "<results>/logs/depth_at_init.log",
    benchmark:
        "<results>/benchmarks/depth_at_init.tsv"
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
