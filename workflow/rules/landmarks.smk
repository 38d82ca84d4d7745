# Landmarks of the field, measured; config/landmarks.yaml selects them. On the CPU: their networks are small.
rule trainable_depth:
    input:
        expand(rules.prepare_data.output, dataset=CONFIG["scale"]["dataset"]),
    output:
        table="<results>/tables/trainable_depth.parquet",
        csv="<results>/tables/trainable_depth.csv",
    log:
        "<results>/logs/trainable_depth.log",
    benchmark:
        "<results>/benchmarks/trainable_depth.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: CONFIG["threads"]
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        columns=columns_of("trainable_depth"),
        settings=landmark_settings("trainable_depth"),
        code=code_fingerprint(
            "gradflow.propagation.trainable_depth", "gradflow.data.batches", "gradflow.training.device"
        ),
    script:
        "../scripts/trainable_depth.py"


rule log_norm_variance:
    output:
        table="<results>/tables/log_norm_variance.parquet",
        csv="<results>/tables/log_norm_variance.csv",
    log:
        "<results>/logs/log_norm_variance.log",
    benchmark:
        "<results>/benchmarks/log_norm_variance.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: CONFIG["threads"]
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        columns=columns_of("log_norm_variance"),
        settings=landmark_settings("log_norm_variance"),
        code=code_fingerprint("gradflow.propagation.log_norm_variance", "gradflow.training.device"),
    script:
        "../scripts/log_norm_variance.py"


rule residual_by_width:
    input:
        expand(rules.prepare_data.output, dataset=CONFIG["scale"]["dataset"]),
    output:
        table="<results>/tables/residual_by_width.parquet",
        csv="<results>/tables/residual_by_width.csv",
    log:
        "<results>/logs/residual_by_width.log",
    benchmark:
        "<results>/benchmarks/residual_by_width.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: CONFIG["threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        columns=columns_of("residual_by_width"),
        settings=landmark_settings("residual_by_width"),
        size=CONFIG["datasets"][CONFIG["scale"]["dataset"]]["size"],
        code=[
            network_fingerprint(
                architectures.find_architecture(name),
                "gradflow.propagation.residual_by_width",
                "gradflow.data.batches",
                "gradflow.training.device",
            )
            for name in ("vgg16", "resnet50")
        ],
    script:
        "../scripts/residual_by_width.py"
