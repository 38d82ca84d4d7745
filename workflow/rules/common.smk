# The configuration, checked, and what the rules ask of it.
import hashlib
import json
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

from gradflow import studies
from gradflow.models import architectures
from gradflow.config import configuration
from gradflow.runtime import requests, warm
from gradflow.analysis.reproducibility import draw, recipe, whole
from gradflow.analysis.schemas import TABLES
from gradflow.errors import GradflowError
from gradflow.files import atomic_write
from gradflow.runtime.fingerprint import code_fingerprint, network_fingerprint, run_fingerprint
from gradflow.folders import modules
from gradflow.config.yaml_files import read_yaml
from gradflow.models.size import Inspection, Size
from gradflow.config.architectures import known


def checked_plan(raw):
    """Complete the configuration and expand its studies, or stop with one sentence before any job.

    Returns the configuration, the studies, the architectures that they use, the fingerprint of the code of each run by
    its id, and what is known of the network of each arm, by the id of its first run.
    """
    try:
        for path in workflow.configfiles:
            if Path(path).suffix != ".json":
                read_yaml(path)
        complete = configuration.complete(raw)
        plan = studies.expand(complete)
        entries = known(complete["architectures"])
        codes = run_codes(studies.distinct_runs(plan).values(), entries, complete["record"])
        # Inspecting the networks takes torch, a second: once for each plan and version of the models is enough.
        seen = [[study.name, study.layers, [run.id for run in study.runs]] for study in plan]
        seen = json.dumps([seen, sorted(set(codes.values())), code_fingerprint("gradflow.studies", registries=False)])
        mark = Path(".snakemake") / "gradflow-checked" / hashlib.sha256(seen.encode()).hexdigest()
        inspected = read_json(mark)
        if inspected is None:
            inspected = studies.check_models(plan, entries)
            atomic_write(mark, lambda stream: stream.write(json.dumps(inspected).encode()))
    except GradflowError as error:
        raise WorkflowError(str(error)) from None
    inspected = {run: Inspection(layers, beside, Size(*size)) for run, (layers, beside, size) in inspected.items()}
    used = sorted({run.architecture for study in plan for run in study.runs})
    return complete, plan, {name: entries[name] for name in used}, codes, inspected


def run_codes(runs, entries, record):
    """The fingerprint of the code of each run, by its id; what several runs share is computed once."""
    known, codes = {}, {}
    for run in runs:
        key = run.architecture, run.optimizer, run.neutral
        known[key] = known.get(key) or run_fingerprint(run, entries[run.architecture], record)
        codes[run.id] = known[key]
    return codes


def read_json(path):
    """What a file says; None if it is not there, or not whole."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def claims_file(path):
    """The file of claims: a path from the folder that the workflow runs in, or else from this checkout.

    Of one's own it is read now, as what is wrong in it would be said after all training.
    """
    there = path if Path(path).exists() else shipped(path)
    its_own = Path(there).resolve() != Path(shipped("report", "claims.yaml")).resolve()
    if its_own and workflow.is_main_process:
        from gradflow.analysis.claims.schema import read_claims

        try:
            read_claims(there)
        except GradflowError as error:
            raise WorkflowError(str(error)) from None
    return there


CONFIG, STUDIES, ARCHITECTURES, CODES, INSPECTED = checked_plan(config)
config.update(CONFIG)  # what scripts see
CLAIMS = claims_file(CONFIG["claims"])
RESULTS = Path(CONFIG["results"])  # <results> in the rules


pathvars:
    results=CONFIG["results"],


RUNS = studies.distinct_runs(STUDIES)  # of the last look, whether it will be taken or not
SURVEYED = known(CONFIG["architectures"])  # every architecture, whether a study uses it or not
STUDY = {study.name: study for study in STUDIES}
RESULT = str(RESULTS / "runs" / "{run}" / "norms.npz")
# One run for each distinct first backward pass; a pretrained network has but one, in its own run.
STARTS = {run.start: run for run in RUNS.values() if not run.pretrained}


def weights_of(run):
    """The download that holds the weights a run starts from; None for one that starts from its own."""
    return ARCHITECTURES[run.architecture].pretrained if run.pretrained else None


def receipt(download):
    """The receipt of a fetched file; its time means nothing, as what is fetched is known by its hash."""
    if not download:
        return []
    return ancient(f"{RESULTS}/downloads/{download}-{CONFIG['downloads'][download]['sha256'][:8]}.json")


def named_format(run):
    """The memory format that a run is to train in; None where it is measured.

    On a CPU torch's batch norm is 200 times further from float64 in channels_last, which plain deep networks magnify.
    """
    if CONFIG["memory_format"] != "auto":
        return CONFIG["memory_format"]
    return "contiguous" if run.architecture in CONFIG["architectures"] or (run.batch_norm and not GPU) else None


def finished_runs():
    """The results that are there, by run, of the runs of this configuration."""
    files = {run: RESULT.format(run=run) for run in RUNS}
    return {run: path for run, path in files.items() if Path(path).exists()}


@cache
def drawn_runs():
    """The finished runs to verify; drawn once, as those that finish meanwhile were not there when this was asked."""
    return draw(finished_runs(), CONFIG["verify_runs"], CONFIG["verify_seed"])


def recomputations(wildcards):
    """What the drawn runs come to when they are trained again; one whose result is damaged is not."""
    files = finished_runs()
    return [f"{RESULTS}/verify/{run}.npz" for run in drawn_runs() if whole(files[run])]


def recipe_of(wildcards):
    """How to make a run again, as its result says."""
    return recipe(RESULT.format(run=wildcards.run))


def random_mlp_files():
    if "mlp" not in CONFIG["select"]:
        return []
    return expand(rules.random_mlps.output, depth=CONFIG["mlp"]["depths"], width=CONFIG["mlp"]["widths"])


def table_files():
    """The tables that a study is read from."""
    if not STUDIES:
        return []
    return [path for path in rules.tables.output if path.endswith(".parquet")] + initial_tables()


def initial_tables():
    """The tables of every arm's first backward pass."""
    at_init = [rules.first_backward.output.table, rules.theory.output.totals, rules.theory.output.layers]
    return at_init if STARTS else []


def columns_of(table):
    """The columns of a table and their types: it is made again when they change, though its numbers stay."""
    return {name: str(kind) for name, kind in TABLES[table].columns.items()}


def evidence_files():
    """What claims are judged by: the tables and drawings of this configuration, never what another one left."""
    return table_files() + ([rules.cost.output.table] if STUDIES else []) + untrained_evidence()


def untrained_evidence():
    """What claims are judged by, of networks that were not trained."""
    return random_mlp_files() + depth_at_init_files() + initial_survey_files()


def depth_at_init_files():
    """The table of networks of growing depth, if they are selected."""
    return [rules.depth_at_init.output.table] if "depth_at_init" in CONFIG["select"] else []


def surveyed_sizes():
    """The side of the images that each surveyed architecture is shown: its source's, or of one's own the data set's."""
    own = CONFIG["datasets"][CONFIG["scale"]["dataset"]]["size"]
    return {name: own if name in CONFIG["architectures"] else entry.source_size for name, entry in SURVEYED.items()}


def initial_survey_files():
    """The table of every architecture under every initialisation, if it is selected."""
    return [rules.initial_survey.output.table] if "initial_survey" in CONFIG["select"] else []


def alignment_files():
    """The table of networks that are explained while they are trained, if they are selected."""
    return [rules.alignment.output.table] if "alignment" in CONFIG["select"] else []


def landmark_settings(name):
    """The settings of a landmark, and the first random seed."""
    return CONFIG["landmarks"][name] | {"first_seed": CONFIG["scale"]["first_seed"]}


def landmark_files(name):
    """The table of a landmark, if they are selected."""
    return [getattr(rules, name).output.table] if "landmarks" in CONFIG["select"] else []


def arm_rows(wildcards, input):
    """Which run belongs to which arm of which study, as rows, of the runs that a job reads."""
    there = {Path(path).parent.name for path in input.runs}
    return [
        [study.name, study.title, study.arms.index(arm), arm.label, run.id, run.seed]
        + [study.look_of(number), json.dumps(study.looks), run.start]
        + [ARCHITECTURES[run.architecture].colour, json.dumps(INSPECTED[arm.runs[0].id].beside)]
        for study, arm, number, run in places(LOOKS[-1])
        if run.id in there
    ]


def analysis_targets():
    """Every file that the analysis leaves, for the studies that are selected."""
    files = table_files() + [rules.cost.output.page, rules.explorer.output.page] if STUDIES else []
    return list(rules.claims.output) + files + FIGURES


wildcard_constraints:
    run="[A-Za-z0-9-]+",
    seeds=r"\d+",
    dataset="[A-Za-z0-9_]+",
    download="[A-Za-z0-9_]+",
    hash="[0-9a-f]{8}",
    depth=r"\d+",
    width=r"\d+",
