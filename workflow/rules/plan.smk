# What a plan may take, said before anything runs, and what must be so before the first job.
import os

from gradflow.runtime.estimates import expect, estimate_in_words, read_records, result_bytes
from gradflow.files import require_writable


def expected():
    """How long each run may take, by id."""
    records = read_records(RUNS, RESULTS, GPU)
    seen = {run.id: images_of(run) and images_of(run) * run.epochs for run in RUNS.values()}
    work = {run: images and images * SIZE[run].flops for run, images in seen.items()}
    return dict(zip(RUNS, expect(RUNS.values(), work, records, GPU)))


def result_sizes():
    """How many bytes the result of each run takes, by id; those whose images are not counted are left out."""
    layers = {
        run.id: len(INSPECTED[arm.runs[0].id].layers) for study in STUDIES for arm in study.arms for run in arm.runs
    }
    images = {run: images_of(RUNS[run]) for run in RUNS}
    return {run: result_bytes(RUNS[run], layers[run], count) for run, count in images.items() if count}


if workflow.is_main_process:
    first, finished = first_runs() if RUNS else set(), finished_runs().keys()
    new, later = first - finished, RUNS.keys() - first - finished
    wanted = os.environ.get("GRADFLOW_PLAN")  # workflow/scripts/plan.py asks for what is expected of every run
    if wanted:
        plan = {"gpu": GPU, "runs": expected(), "later": sorted(later), "bytes": result_sizes()}
        Path(wanted).write_text(json.dumps(plan), encoding="utf-8")
    elif new:
        taking = expected()
        said = estimate_in_words(len(first), [taking[run] for run in new], GPU, len(later))
        print(said, end="", file=sys.stderr)


onstart:
    if CONFIG["device"] == "auto" and not workflow.local_exec:
        raise WorkflowError(
            "device: auto cannot tell what the machines have that jobs are sent to; "
            "add device=cuda or device=cpu to --config, which takes the place of the profile's."
        )
    try:
        require_writable(RESULTS)
    except GradflowError as error:
        raise WorkflowError(str(error)) from None
    if workflow.local_exec:
        warm.offer(CONFIG["threads"])
