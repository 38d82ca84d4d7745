# One job a kind of figure, which draws it for all that is selected. Its code is that of its own file: an edit there
# draws this kind again, and no other.
from gradflow.propagation.notebook_004 import PRINTED, PRINTED_SHAPE
from gradflow.report.figures import figures


def notebook_004_files():
    """The random MLPs of the depth and width that notebook 004 printed, if this run draws any of its networks."""
    drawn = CONFIG["mlp"]
    networks = [(a, i) for a, i in PRINTED if a in drawn["activations"] and i in drawn["inits"]]
    depth, width = PRINTED_SHAPE
    there = "mlp" in CONFIG["select"] and depth in drawn["depths"] and width in drawn["widths"] and networks
    return expand(rules.random_mlps.output, depth=depth, width=width) if there else []


# What figures are drawn from, by the name of the argument; nothing of what is not selected.
FILES_OF_FIGURES = {
    "study": table_files(),
    "results": run_files if RUNS else [],
    "random_mlps": random_mlp_files(),
    "notebook_004": notebook_004_files(),
    "depth_at_init": depth_at_init_files(),
    "initial_survey": initial_survey_files(),
    "alignment": alignment_files(),
    "trainable_depth": landmark_files("trainable_depth"),
    "log_norm_variance": landmark_files("log_norm_variance"),
    "residual_by_width": landmark_files("residual_by_width"),
}
# The folder of figures that are no study's.
FOLDERS_OF_FIGURES = {
    "random_mlps": "mlp",
    "notebook_004": "mlp",
    "depth_at_init": "depth_at_init",
    "initial_survey": "initial_survey",
    "alignment": "alignment",
    "trainable_depth": "landmarks",
    "log_norm_variance": "landmarks",
    "residual_by_width": "landmarks",
}


def pictures_of(kind):
    """All that a kind of figure is drawn for: (path without a suffix, label in the report, settings)."""
    if not all(FILES_OF_FIGURES[name] for name in kind.read):
        return []
    if "study" in kind.arguments:
        drawn = [s for s in STUDIES if max(run.epochs for run in s.runs) >= kind.epochs]
        return [(f"{s.name}/{kind.name}", in_report(f"{s.title}: {kind.title}"), settings_of(s.name)) for s in drawn]
    path = f"{FOLDERS_OF_FIGURES[kind.read[0]]}/{kind.name}"
    if "width" in kind.arguments:
        widths = CONFIG["mlp"]["widths"]
        settings = [{"width": width, "thresholds": CONFIG["verdict"]} for width in widths]
        return [(f"{path}-width{its['width']}", kind.title.format(**its), its) for its in settings]
    return [(path, kind.title, {})]


def settings_of(study):
    """What the figures of a study may be told."""
    layers = STUDY[study].layers if study in STUDY else {}
    return {"study": study, "layers": layers, "thresholds": CONFIG["verdict"]}


def shown_in_report(kind, path, label, settings):
    """A picture's file, marked for the report where its kind stands there."""
    if kind.category is None or (kind.studies and settings["study"] not in kind.studies):
        return path
    return report(path, caption=caption(kind), category=CATEGORIES[kind.category], labels={"figure": label})


def in_report(title):
    """A study's title as a label in the report, where Snakemake fills in braces and would let <script> run."""
    return title.translate(str.maketrans("<>{}", "‹›❴❵"))


def caption(kind):
    """The caption of a kind of figure."""
    path = Path(CHECKOUT, "report", "captions", f"{kind.name}.rst")
    if not path.exists():
        raise WorkflowError(f"{path} does not exist: write the caption of the figure {kind.name!r} there.")
    return path


def kinds_of_figures():
    """The kinds of figures that there are."""
    try:
        return figures().values()
    except GradflowError as error:
        raise WorkflowError(str(error)) from None


FIGURES = []  # every file of every figure
PICTURES = {}  # {path without a suffix: (kind, settings)} of those that do not move

for kind in kinds_of_figures():
    pictures = pictures_of(kind)
    PICTURES |= {path: (kind, settings) for path, _, settings in pictures if kind.formats == ("png", "svg")}
    shown, beside = ([f"<results>/figures/{path}.{suffix}" for path, *_ in pictures] for suffix in kind.formats)
    FIGURES += shown + beside
    if not pictures:
        continue

    rule:
        name:
            f"figure_{kind.name}"
        input:
            **{name: FILES_OF_FIGURES[name] for name in kind.read},
        output:
            shown=[shown_in_report(kind, path, *told) for path, (_, *told) in zip(shown, pictures)],
            beside=beside,
        log:
            f"<results>/logs/figures/{kind.name}.log",
        benchmark:
            f"<results>/benchmarks/figures/{kind.name}.tsv"
        conda:
            "../../envs/analysis.yaml"
        resources:
            mem_mb=growing(2000),
            runtime=growing(60),
        params:
            figure=kind.name,
            settings=[
                {name: value for name, value in settings.items() if name in kind.arguments}
                for *_, settings in pictures
            ],
            code=code_fingerprint(*kind.code),
        script:
            "../scripts/figure.py"


def picture(wildcards):
    """The kind and the settings of the picture that a target names, or one sentence."""
    path = f"{wildcards.folder}/{wildcards.picture}"
    if path not in PICTURES:
        there = [name for name in sorted(PICTURES) if name.startswith(f"{wildcards.folder}/")] or sorted(PICTURES)
        sys.exit(f"gradflow: {path} is no still figure of this configuration; choose one of {', '.join(there)}.")
    return PICTURES[path]


def files_of_picture(wildcards):
    """What the picture that a target names is drawn from, by the name of the argument; runs may be known late."""
    files = {name: FILES_OF_FIGURES[name] for name in picture(wildcards)[0].read}
    return {name: its(wildcards) if callable(its) else its for name, its in files.items()}


def captions_of(study):
    """What the captions of a study's still figures say, as plain text, by figure."""
    kinds = [kind for path, (kind, _) in PICTURES.items() if path.split("/")[0] == study]
    if not kinds:
        sys.exit(f"gradflow: {study} is no study of this configuration; choose one of {', '.join(STUDY)}.")
    return {kind.name: plain_text(caption(kind).read_text(encoding="utf-8")) for kind in kinds}


def notebook_figures():
    """The figures that the notebook shows beside its answers; the others it draws itself."""
    wanted = ("initial_survey", "alignment", "depth", "printed")
    return [path for path in FIGURES if Path(path).stem in wanted and path.endswith(".png")]
