rule notebook:
    input:
        template=shipped("report", "analysis.ipynb"),
        tables=table_files(),
        random_mlps=random_mlp_files(),
        datasets=expand("<results>/data/{dataset}/dataset.json", dataset=sorted({run.dataset for run in RUNS.values()})),
        claims=[CLAIMS, rules.claims.output.table],
        cost=rules.cost.output.table if STUDIES else [],
        figures=notebook_figures(),
    output:
        notebook="<results>/report/analysis.ipynb",
        page=report(
            "<results>/report/analysis.html",
            caption="../../report/captions/analysis.rst",
            category=category_of_answers,
            labels={"figure": "The questions, answered"},
        ),
    log:
        "<results>/logs/notebook.log",
    benchmark:
        "<results>/benchmarks/notebook.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        studies=[study.name for study in STUDIES],
        words=digest_of_words(),
        thresholds=CONFIG["verdict"],
        code=code_fingerprint("gradflow.report.notebook", *modules("gradflow.report.prose")),
    script:
        "../scripts/notebook.py"
