# The report's own text: the opening page once a run has written it, and until then what introduces it.
INTRODUCTION, OPENING = Path(CHECKOUT, "report", "workflow.rst"), (RESULTS / "report" / "summary.rst").resolve()


rule summary:
    input:
        tables=table_files(),
        datasets=expand("<results>/data/{dataset}/dataset.json", dataset=sorted({run.dataset for run in RUNS.values()})),
        claims=rules.claims.output.table,
        style=shipped("report", "style.css"),
        introduction=shipped("report", "workflow.rst"),
    output:
        text="<results>/report/summary.rst",
        page=report(
            "<results>/report/index.html",
            caption="../../report/captions/summary.rst",
            category=category_of_answers,
            labels={"figure": "The answer on one screen"},
        ),
    log:
        "<results>/logs/summary.log",
    benchmark:
        "<results>/benchmarks/summary.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        studies=[study.name for study in STUDIES],
        thresholds=CONFIG["verdict"],
        code=code_fingerprint("gradflow.report.summary"),
    script:
        "../scripts/summary.py"


rule notebook:
    input:
        template=shipped("report", "analysis.ipynb"),
        tables=table_files(),
        random_mlps=random_mlp_files(),
        datasets=expand("<results>/data/{dataset}/dataset.json", dataset=sorted({run.dataset for run in RUNS.values()})),
        claims=[CLAIMS, rules.claims.output.table],
        citation=shipped("CITATION.cff"),
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
        code=code_fingerprint(
            "gradflow.report.notebook", "gradflow.report.notebook_figures", *modules("gradflow.report.prose")
        ),
    script:
        "../scripts/notebook.py"


rule explorer:
    input:
        tables=table_files(),
        runs=run_files,
        page=explorer_files(),
    output:
        page=report(
            "<results>/report/explorer.html",
            caption="../../report/captions/explorer.rst",
            category=category_of_answers,
            labels={"figure": "The explorer: arms, steps and layers compared by hand"},
        ),
    log:
        "<results>/logs/explorer.log",
    benchmark:
        "<results>/benchmarks/explorer.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        thresholds=CONFIG["verdict"],
        code=code_fingerprint("gradflow.report.explorer.from_results", "gradflow.report.explorer.page"),
    script:
        "../scripts/explorer.py"
