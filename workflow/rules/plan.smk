# What a plan may take, said before anything runs, and what must be so before the first job.
import os

from gradflow.runtime.estimates import expect, estimate_in_words, read_records
from gradflow.files import require_writable


def expected():
    """How long each run may take, by id."""
    records = read_records(RUNS, Path("results"), GPU)
    seen = {run.id: images_of(run) and images_of(run) * run.epochs for run in RUNS.values()}
    work = {run: images and images * SIZE[run].flops for run, images in seen.items()}
    return dict(zip(RUNS, expect(RUNS.values(), work, records, GPU)))


if workflow.is_main_process:
    new = RUNS.keys() - finished_runs()
    wanted = os.environ.get("GRADFLOW_PLAN")  # workflow/scripts/plan.py asks for what is expected of every run
    if wanted:
        Path(wanted).write_text(json.dumps({"gpu": GPU, "runs": expected()}))
    elif new:
        taking = expected()
        print(estimate_in_words(len(RUNS), [taking[run] for run in new], GPU), end="", file=sys.stderr)


onstart:
    if CONFIG["device"] == "auto" and not workflow.local_exec:
        raise WorkflowError(
            "device: auto cannot tell what the machines have that jobs are sent to; "
            "add device=cuda or device=cpu to --config, which takes the place of the profile's."
        )
    try:
        require_writable(Path("results"))
    except GradflowError as error:
        raise WorkflowError(str(error)) from None
    if workflow.local_exec:
        warm.offer(CONFIG["threads"])
