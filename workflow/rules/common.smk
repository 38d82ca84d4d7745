# The configuration, checked, and what the rules ask of it.
import hashlib
import json
import sys
from dataclasses import asdict
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

from gradflow import configuration, resources, studies, verification
from gradflow.errors import GradflowError
from gradflow.data.sources import listing, needed_download
from gradflow.files import atomic_write
from gradflow.fingerprint import code_fingerprint
from gradflow.seed004 import PRINTED


def checked_plan(raw):
    """Complete the configuration and expand its studies, or stop with one sentence before any job.

    Returns the configuration, the studies, and the size of the network of each arm, by the id of its first run.
    """
    try:
        complete = configuration.complete(raw)
        plan = studies.expand(complete)
        # Looking into the networks takes torch, a second: once for each plan and version of the models is enough.
        seen = json.dumps([[study.name, study.layers, [run.id for run in study.runs]] for study in plan])
        key = hashlib.sha256((seen + code_fingerprint("gradflow.studies")).encode()).hexdigest()
        mark = Path(".snakemake") / "gradflow-checked" / key
        sizes = read_json(mark)
        if sizes is None:
            sizes = studies.check_models(plan)
            atomic_write(mark, lambda stream: stream.write(json.dumps(sizes).encode()))
    except GradflowError as error:
        raise WorkflowError(str(error)) from None
    return complete, plan, {run: resources.Size(*size) for run, size in sizes.items()}


def read_json(path):
    """What a file says; None if it is not there, or not whole."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


CONFIG, STUDIES, SIZES = checked_plan(config)
config.update(CONFIG)  # what scripts see
RUNS = studies.distinct_runs(STUDIES)
STUDY = {study.name: study for study in STUDIES}
RESULT = "results/runs/{run}/norms.npz"
# One run for each distinct first backward pass; a pretrained network has but one, in its own run.
STARTS = {run.start: run for run in RUNS.values() if not run.weights}


def receipt(download):
    """The receipt of a fetched file; its time means nothing, as what is fetched is known by its hash."""
    if not download:
        return []
    return ancient(f"results/downloads/{download}-{CONFIG['downloads'][download]['sha256'][:8]}.json")


def content(dataset):
    """What a data set is made from: the hash of its archive, or a digest of the user's own files."""
    download = needed_download(dataset)
    return CONFIG["downloads"][download]["sha256"] if download else listing(dataset)


def run_files():
    return expand(RESULT, run=RUNS)


def finished_runs():
    """The results that are there, by run, of the runs of this configuration."""
    return {run: path for run, path in zip(RUNS, run_files()) if Path(path).exists()}


@cache
def drawn_runs():
    """The finished runs to verify; drawn once, as those that finish meanwhile were not there when this was asked."""
    return verification.draw(finished_runs(), CONFIG["verify_runs"], CONFIG["verify_seed"])


def recomputations(wildcards):
    """What the drawn runs come to when they are trained again; one whose result is damaged is not."""
    files = finished_runs()
    return [f"results/verify/{run}.npz" for run in drawn_runs() if verification.whole(files[run])]


def recipe(wildcards):
    """How to make a run again, as its result says."""
    return verification.recipe(RESULT.format(run=wildcards.run))


def draw_files():
    if "mlp" not in CONFIG["select"]:
        return []
    return expand(
        "results/mlp/depth{depth}-width{width}.npz", depth=CONFIG["mlp"]["depths"], width=CONFIG["mlp"]["widths"]
    )


def probe_file():
    return rules.probe.output[0] if "probe" in CONFIG["select"] else []


def table_files():
    """The tables that a study is read from."""
    return list(rules.tables.output) + (list(rules.initial.output) if STARTS else []) if STUDIES else []


def runs_of(wildcards):
    """The run files of a study."""
    return expand(RESULT, run=[run.id for run in STUDY[wildcards.study].runs])


def arm_rows():
    """Which run belongs to which arm of which study, as rows."""
    return [
        [study.name, study.title, number, arm.label, run.id, run.seed, run.start]
        for study in STUDIES
        for number, arm in enumerate(study.arms)
        for run in arm.runs
    ]


FIGURES = {
    "decades": "Verdict in decades",
    "profile_activation": "Activation gradient against depth",
    "profile_weight": "Weight gradient against depth",
    "layers": "Every layer over time",
    "layers_named": "Named layers over time",
    "curves": "Training curves",
    "effects": "What each change does",
    "filters": "First-layer filters",
    "confusion": "Confusion matrices",
}


def analysis_targets():
    """Every file that the analysis leaves, for the studies that are selected."""
    files = list(rules.claims.output)
    if STUDIES:
        files += expand(rules.study_figures.output, study=STUDY) + table_files() + [rules.cost.output.page]
    if "probe" in CONFIG["select"]:
        files += list(rules.probe_figure.output)
    if "mlp" in CONFIG["select"]:
        files += expand(rules.draw_profiles.output, width=CONFIG["mlp"]["widths"])
        files += printed_figures()
    return files


def printed_figures():
    """The figure of the networks that seed 004 printed, if this run draws any of them."""
    drawn = CONFIG["mlp"]
    networks = [(a, i) for a, i in PRINTED if a in drawn["activations"] and i in drawn["inits"]]
    wanted = "mlp" in CONFIG["select"] and 5 in drawn["depths"] and 10 in drawn["widths"] and networks
    return list(rules.printed_norms.output) if wanted else []


def study_title(wildcards):
    """The category of a study's figures in the report."""
    return STUDY[wildcards.study].title


def notebook_figures():
    """The figures that the notebook shows beside its answers."""
    figures = expand(
        "results/figures/{study}/{name}.png",
        study=STUDY,
        name=["decades", "profile_activation"],
    )
    if "probe" in CONFIG["select"]:
        figures.append(rules.probe_figure.output.figure)
    return figures + printed_figures()


wildcard_constraints:
    run="[A-Za-z0-9-]+",
    study="|".join(STUDY) or "none",
    dataset="[A-Za-z0-9_]+",
    download="[A-Za-z0-9_]+",
    hash="[0-9a-f]{8}",
    depth=r"\d+",
    width=r"\d+",
