# Figures that are drawn for print, when they are asked for.


# One figure in a column of a journal, 89 or 183 mm wide: results/figures/<study>/<figure>-89mm.pdf.
rule column:
    input:
        unpack(files_of_picture),
    output:
        "<results>/figures/{folder}/{picture}-{millimetres}mm.{suffix}",
    log:
        "<results>/logs/figures/{folder}/{picture}-{millimetres}mm-{suffix}.log",
    benchmark:
        "<results>/benchmarks/figures/{folder}/{picture}-{millimetres}mm-{suffix}.tsv"
    wildcard_constraints:
        folder="[^/]+",
        picture="[A-Za-z0-9_-]+",
        millimetres="89|183",
        suffix="pdf|svg|png",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        figure=lambda wildcards: picture(wildcards)[0].name,
        settings=lambda wildcards: picture(wildcards)[1],
        code=lambda wildcards: code_fingerprint(*picture(wildcards)[0].code, "gradflow.report.figures._width"),
    script:
        "../scripts/column.py"


# All figures of a study, a page each, for researchers: results/figures/<study>.pdf.
rule study_pdf:
    input:
        study=FILES_OF_FIGURES["study"],
        results=FILES_OF_FIGURES["results"],
    output:
        "<results>/figures/{study}.pdf",
    log:
        "<results>/logs/figures/{study}-pdf.log",
    benchmark:
        "<results>/benchmarks/figures/{study}-pdf.tsv"
    wildcard_constraints:
        study="[^/]+",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        settings=lambda wildcards: settings_of(wildcards.study),
        captions=lambda wildcards: captions_of(wildcards.study),
        code=code_fingerprint(
            "gradflow.report.study_pdf",
            "gradflow.report.prose.citation",
            "gradflow.report.prose.summary",
            *sorted({name for kind, _ in PICTURES.values() for name in kind.code}),
        ),
    script:
        "../scripts/study_pdf.py"
