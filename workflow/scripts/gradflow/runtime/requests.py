"""What a run asks of a machine, from its size: never part of the science, never a reason to run again.

All is generous: what a job asks for too much waits a little longer in a queue, what asks for too little is killed. What
a job was killed for, it gets twice as much of at the next attempt.
"""

import math
from collections.abc import Iterable

from gradflow.data.sources import get_source
from gradflow.models.size import Size
from gradflow.runs import Run

# Memory, MiB. A default run peaks at 650 to 780 for Python with torch; the two Snakemakes of a Slurm job have 100 each.
BASE_MEMORY = {"cpu": 2000, "gpu": 4000}  # CUDA's libraries and pinned buffers
COPIES_OF_WEIGHTS = 6  # weights, gradients, Adam's two moments, the recorder's copy, one to spare
COPIES_OF_ACTIVATIONS = 3  # outputs, their gradients, work space
SPLITS_PER_TRAINING_IMAGE = 1.5  # validation and test images come on top

# Time. The default's runs reach 5 to 140 GFLOP/s on one thread, the notebooks' 14 to 33 TFLOP/s on their GPU.
FLOPS_PER_SECOND = {"cpu": 1e10, "gpu": 4e12}  # a thread; a GPU
SECONDS_TO_START = 120  # Snakemake, torch and CUDA from a cold network file system, and the test images at the end
SECONDS_TO_LEAVE = 180  # profiles/slurm warns two minutes before the end; Slurm may be a minute early
SECONDS_PER_NETWORK = 3  # to build and initialise one of a hundred million weights
SECONDS_PER_STEP = 0.1  # what a step costs however small its network: 5 to 40 ms on one thread
UNKNOWN_IMAGES = 50_000  # of a folder that is not prepared yet

SMALL_MINUTES = 20  # a run that asks for no more is worth sharing a Slurm job


def memory_mb(run: Run, size: Size, images: int | None, gpu: int, attempt: int = 1) -> int:
    """Return the MiB of main memory that a run asks for.

    images: those it trains on, None if they are not counted yet. gpu: how many GPUs it has; attempt: 1, 2, ...
    """
    source = get_source(run.source)
    side = min(run.image_size, source.stored_side or run.image_size)
    data = SPLITS_PER_TRAINING_IMAGE * (images or UNKNOWN_IMAGES) * run.channels * side**2
    weights = COPIES_OF_WEIGHTS * 4 * size.parameters
    activations = COPIES_OF_ACTIVATIONS * run.batch_size * size.activation_bytes
    return grown(BASE_MEMORY["gpu" if gpu else "cpu"] + round((data + weights + activations) / 2**20), attempt)


def minutes(run: Run, size: Size, images: int | None, gpu: int, threads: int, attempt: int = 1) -> int:
    """Return the minutes that a run asks for; images, gpu and attempt as in memory_mb."""
    seen = run.epochs * (images or UNKNOWN_IMAGES)
    return _minutes(SECONDS_PER_STEP * seen / run.batch_size + seen * size.flops / _rate(gpu, threads), attempt)


def initial_minutes(sizes: Iterable[tuple[Run, Size]], seeds: int, gpu: int, threads: int, attempt: int = 1) -> int:
    """Return the minutes for one backward pass of each run at `seeds` random seeds; gpu and attempt as in memory_mb."""
    rate = _rate(gpu, threads)
    passes = (SECONDS_PER_NETWORK + run.batch_size * size.flops / rate for run, size in sizes)
    return _minutes(seeds * sum(passes), attempt)


def grown(amount: int, attempt: int) -> int:
    """Return what to ask for at an attempt (1, 2, ...): twice as much each time."""
    return amount * 2 ** (attempt - 1)


def _rate(gpu: int, threads: int) -> float:
    return FLOPS_PER_SECOND["gpu"] if gpu else threads * FLOPS_PER_SECOND["cpu"]


def _minutes(seconds: float, attempt: int) -> int:
    return grown(math.ceil((SECONDS_TO_START + seconds + SECONDS_TO_LEAVE) / 60), attempt)
