# The report's own text: the opening page once a run has written it, and until then what introduces it.
INTRODUCTION, OPENING = Path(workflow.basedir, "report", "workflow.rst"), Path("results/report/summary.rst").resolve()


rule summary:
    input:
        tables=table_files(),
        datasets=expand("results/data/{dataset}/dataset.json", dataset=sorted({run.dataset for run in RUNS.values()})),
        claims=rules.claims.output.table,
        style="report/style.css",
        introduction="report/workflow.rst",
    output:
        text="results/report/summary.rst",
        page=report(
            "results/report/index.html",
            caption="../../report/captions/summary.rst",
            category=CATEGORIES["start"],
            labels={"figure": "The answer on one screen"},
        ),
    log:
        "results/logs/summary.log",
    benchmark:
        "results/benchmarks/summary.tsv"
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
        template="report/analysis.ipynb",
        tables=table_files(),
        random_mlps=random_mlp_files(),
        datasets=expand("results/data/{dataset}/dataset.json", dataset=sorted({run.dataset for run in RUNS.values()})),
        claims=["report/claims.yaml", rules.claims.output.table],
        citation="CITATION.cff",
        cost=rules.cost.output.table if STUDIES else [],
        figures=notebook_figures(),
    output:
        notebook="results/report/analysis.ipynb",
        page=report(
            "results/report/analysis.html",
            caption="../../report/captions/analysis.rst",
            category=CATEGORIES["start"],
            labels={"figure": "The questions, answered"},
        ),
    log:
        "results/logs/notebook.log",
    benchmark:
        "results/benchmarks/notebook.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        studies=[[study.name, study.question] for study in STUDIES],
        findings={study.name: CONFIG["studies"][study.name]["finding"] for study in STUDIES},
        thresholds=CONFIG["verdict"],
        code=code_fingerprint(
            "gradflow.report.notebook", "gradflow.report.notebook_figures", *modules("gradflow.report.prose")
        ),
    script:
        "../scripts/notebook.py"
