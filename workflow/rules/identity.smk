# What data sets are made from, and what they hold: by this, not by times and places, what is made of them is made again.
from gradflow.builders import is_file, split
from gradflow.data.identity import content_digest
from gradflow.data.sources import get_source, module_of, needed_downloads
from gradflow.runtime.fingerprint import function_code

digest = cache(content_digest)
UNSEEN = ("path", "download", "drop_damaged")  # by the digest of a data set: where it is from and what may be missing


def content(settings):
    """What a data set is made from: the hashes of what is fetched, or a digest of the user's own files."""
    fetched = [CONFIG["downloads"][name]["sha256"] for name in needed_downloads(settings)]
    return fetched or (digest(settings["path"], CONFIG["cache"]) if settings.get("path") else [])


def gone_from(settings):
    """The user's own files, if they are gone: a missing input takes the rule out of the plan, and what it made stays."""
    own = get_source(settings["source"]).code(settings)
    file = split(own)[0] if own and is_file(split(own)[0]) else None
    return [path for path in (settings.get("path"), file) if path and not Path(path).expanduser().exists()]


def what_matters(settings):
    """The settings that a prepared data set follows from."""
    return {name: value for name, value in settings.items() if name not in UNSEEN}


def allowed_damage(dataset):
    """How many images may be left out, if more of them were; else it does not matter."""
    allowed = CONFIG["datasets"][dataset]["drop_damaged"]
    known = read_json(RESULTS / "data" / dataset / "dataset.json") or {}
    return allowed if len(known.get("dropped", [])) > allowed else None


def source_code(settings):
    """The code that a data set is made by. Of the sources its own alone: another one is no reason to make it again."""
    own = get_source(settings["source"]).code(settings)
    ours = code_fingerprint("gradflow.data.prepare", module_of(settings["source"]))
    return [ours, function_code(own)] if own else ours


def prepared(*datasets):
    """The files of prepared data sets; their times mean nothing, as what they hold is known by `fingerprints`."""
    return [ancient(file) for dataset in datasets for file in checkpoints.prepare_data.get(dataset=dataset).output]


def fingerprints(*datasets):
    """What prepared data sets hold."""
    facts = [checkpoints.prepare_data.get(dataset=dataset).output.facts for dataset in datasets]
    return [json.loads(Path(file).read_text(encoding="utf-8"))["fingerprint"] for file in facts]


def started_on():
    """The data sets of every arm's first backward pass."""
    return sorted({run.dataset for run in STARTS.values()})


def require_data():
    """Stop if what is needed of data sets is refused or gone; what was made of data that are gone stays as it is."""
    finished = finished_runs()
    unfinished = {RUNS[run].dataset for run in (first_runs() if RUNS else set()) - finished.keys()}
    apart = {"depth_at_init", "alignment", "landmarks"} & set(CONFIG["select"])
    for name in sorted({run.dataset for run in RUNS.values()} | ({CONFIG["scale"]["dataset"]} if apart else set())):
        settings = CONFIG["datasets"][name]
        source, gone = get_source(settings["source"]), gone_from(settings)
        try:
            if not gone:
                content(settings), source_code(settings), settings.get("path") and source.look(settings)
            elif name in unfinished or not (RESULTS / "data" / name / "dataset.json").exists():
                raise GradflowError(f"{gone[0]!r} does not exist; correct the path, or put back what was there.")
            else:
                print(f"gradflow: datasets.{name}: {gone[0]!r} is gone; what was prepared stays.", file=sys.stderr)
        except GradflowError as error:
            raise WorkflowError(f"config: datasets.{name}: {error}") from None


if workflow.is_main_process:
    require_data()
