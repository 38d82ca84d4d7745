# What jobs ask of the machine that they run on: functions for the `resources` of the rules.
from gradflow.runtime.estimates import count_training_images
from gradflow.runtime.gpus import count_gpus

# Training jobs ask for a GPU where one will be used. The login node of a cluster has none: there the profile says cuda.
GPU = int(CONFIG["device"] == "cuda" or (CONFIG["device"] == "auto" and count_gpus() > 0))
THEORY_PASSES = 5  # of an explanation, each as long as a first backward pass
SIZE = {run.id: INSPECTED[arm.runs[0].id].size for study in STUDIES for arm in study.arms for run in arm.runs}


def images_of(run):
    """How many images a run trains on; None if they are not counted before they are prepared."""
    return count_training_images(run.dataset, CONFIG["datasets"][run.dataset], RESULTS)


def run_memory(wildcards, attempt):
    """The MiB that a training job asks for."""
    run = RUNS[wildcards.run]
    return requests.memory_mb(run, SIZE[run.id], images_of(run), GPU, attempt)


def run_minutes(wildcards, attempt=1):
    """The minutes that a training job asks for."""
    run = RUNS[wildcards.run]
    return requests.minutes(run, SIZE[run.id], images_of(run), GPU, CONFIG["threads"], attempt)


def initial_memory(wildcards, attempt):
    """The MiB for the first backward pass of every arm."""
    return max(requests.memory_mb(run, SIZE[run.id], images_of(run), GPU, attempt) for run in STARTS.values())


def initial_minutes(wildcards, attempt):
    """The minutes for the first backward pass of every arm at all random seeds."""
    sizes = [(run, SIZE[run.id]) for run in STARTS.values()]
    return requests.initial_minutes(sizes, CONFIG["scale"]["initial_seeds"], GPU, CONFIG["threads"], attempt)


def theory_minutes(wildcards, attempt):
    """The minutes for the explanation of every arm: a forward pass, a backward pass, and the independent ones."""
    return THEORY_PASSES * initial_minutes(wildcards, attempt)


def shared_job(wildcards):
    """The group of a training job that is small enough to share a Slurm job; a group's members run one by one.

    Without a GPU none is shared: what they hold together would be counted as if they ran side by side.
    """
    return "runs" if GPU and run_minutes(wildcards) <= requests.SMALL_MINUTES else None


def growing(amount):
    """An amount of memory or time that doubles with every attempt at a job."""
    return lambda wildcards, attempt: requests.grown(amount, attempt)
