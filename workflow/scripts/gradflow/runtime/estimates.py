"""How long training runs may take, before anything runs: by earlier runs' records, else by FLOPs, images and epochs."""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import NamedTuple

from gradflow.data.sources import get_source
from gradflow.errors import GradflowError
from gradflow.runs import Run
from gradflow.training.result import PER_STEP_AND_LAYER, read_provenance

# What to expect where nothing was recorded: a thread on the default's networks; what the notebooks' GPU reached in
# float32, 14 (ResNet-50) to 33 TFLOP/s (VGG-19). gradflow.runtime.requests asks for limits, and is far more careful.
FLOPS_PER_SECOND = {"cpu": 5e10, "gpu": 2e13}
SECONDS_TO_START = 1  # in a process that has torch already (gradflow.runtime.warm)
WORTH_SAYING = 0.01  # hours
RECORDED, ALIKE, FLOPS = "its own record", "the record of another random seed", "FLOPs"


class Expected(NamedTuple):
    """The seconds that a run may take, None if they cannot be told yet; what they are known by; its FLOPs, if known."""

    seconds: float | None
    basis: str
    flops: float | None = None


def expect(runs: Iterable[Run], work: dict[str, float | None], records: dict[str, float], gpu: int) -> list[Expected]:
    """Return how long each run may take: what it took before, else what its twins took, else its work over a rate.

    work: {run id: FLOPs of the whole training, None if its images are not counted}. records: {run id: seconds}, of runs
    on a device of the same kind. The rate is the median of what the recorded runs reached.
    """
    runs = list(runs)
    alike: dict[str, list[float]] = {}
    for run in runs:
        if run.id in records:
            alike.setdefault(_but_for_the_seed(run), []).append(records[run.id])
    reached = [work[key] / max(seconds, 1) for key, seconds in records.items() if work.get(key)]
    rate = median(reached) if reached else FLOPS_PER_SECOND["gpu" if gpu else "cpu"]
    expected = []
    for run in runs:
        twins, flops = alike.get(_but_for_the_seed(run)), work[run.id]
        if run.id in records:
            expected.append(Expected(records[run.id], RECORDED, flops))
        elif twins:
            expected.append(Expected(median(twins), ALIKE, flops))
        else:
            expected.append(Expected(None if flops is None else SECONDS_TO_START + flops / rate, FLOPS, flops))
    return expected


def read_records(runs: Iterable[str], results: Path, gpu: int) -> dict[str, float]:
    """Return {run id: seconds} of those runs that were finished on a device of the kind: a GPU, or none."""
    records = {}
    for run in runs:
        try:
            made = read_provenance(results / "runs" / run / "norms.npz")
        except (OSError, ValueError, KeyError, GradflowError):  # an estimate is no reason to stop
            continue
        if "seconds" in made and (made.get("device") != "cpu") == bool(gpu):
            records[run] = made["seconds"]
    return records


def result_bytes(run: Run, layers: int, images: int) -> int:
    """Return about how many bytes a result takes: its quantities at every step and layer, in float32."""
    return math.ceil(images / run.batch_size) * run.epochs * layers * len(PER_STEP_AND_LAYER) * 4


def estimate_in_words(known: int, expected: list[Expected], gpu: int, later: int = 0) -> str:
    """Say how many runs a plan knows, how many are to be trained, and how long those may take together.

    later: how many more there may be, of arms by which a claim is still open.
    """
    said = f"gradflow: {known} training run{'s' * (known > 1)}, {len(expected)} without a result yet"
    more = f"; at the most {later} more, where a claim is open by them" if later else ""
    return f"{said}{hours(expected, gpu)}{more}.\n" if expected else ""


def hours(expected: list[Expected], gpu: int) -> str:
    """Say how many hours runs may take together and what that is known by; "" where it is not worth saying."""
    told = [one for one in expected if one.seconds is not None]
    total, said = sum(one.seconds for one in told) / 3600, ""
    if total >= WORTH_SAYING:
        known = sum(one.basis != FLOPS for one in told)
        by = [f"the records of {known}"] * (known > 0) + [f"the FLOPs of {len(told) - known}"] * (known < len(told))
        device = "GPU" if gpu else "CPU"
        said = f"; training them may take about {_two_figures(total)} {device} hours, by {' and '.join(by)}"
        on_gpu = sum(one.flops or 0 for one in told) / FLOPS_PER_SECOND["gpu"] / 3600
        if not gpu and on_gpu >= WORTH_SAYING:
            speed = f"{FLOPS_PER_SECOND['gpu'] / 1e12:.0f} TFLOP/s"
            said += f" (on a large recent GPU about {_two_figures(on_gpu)} hours, at {speed})"
    if len(told) < len(expected):
        uncounted = len(expected) - len(told)
        said += f"; {uncounted} are left out, as their images are not counted before they are prepared"
    return said


def count_training_images(name: str, settings: dict, results: Path) -> int | None:
    """Return how many images a data set trains on: as prepared, else as its source is known; None if it is not."""
    prepared = results / "data" / name / "dataset.json"
    if prepared.exists():
        return json.loads(prepared.read_text(encoding="utf-8"))["counts"]["train"]
    return get_source(settings["source"]).training_images(settings)


def _but_for_the_seed(run: Run) -> str:
    return json.dumps(asdict(run) | {"seed": None}, sort_keys=True)


def _two_figures(value: float) -> str:
    return f"{float(f'{value:.2g}'):,g}"
