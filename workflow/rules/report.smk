localrules:
    all,
    runs,


def notebook_figures():
    """The figures that the notebook shows beside its answers."""
    figures = expand("results/figures/{study}/{name}.png", study=STUDY, name=["decades", "profile_activation"])
    return figures + [file for file in analysis_targets() if file == "results/figures/mlp/printed.png"]


rule notebook:
    input:
        template=workflow.source_path("../../report/analysis.ipynb"),
        tables=rules.tables.output if STUDIES else [],
        draws=draw_files(),
        figures=notebook_figures(),
    output:
        notebook="results/report/analysis.ipynb",
        page=report(
            "results/report/analysis.html",
            caption="../../report/captions/analysis.rst",
            category="Answers",
            labels={"figure": "The questions, answered"},
        ),
    params:
        studies=[[study.name, study.question] for study in STUDIES],
        thresholds=CONFIG["verdict"],
        code=code_fingerprint("gradflow.answers", "gradflow.notebooks"),
    log:
        "results/logs/notebook.log",
    benchmark:
        "results/benchmarks/notebook.tsv"
    resources:
        mem_mb=3000,
        runtime=60,
    script:
        "../scripts/notebook.py"
