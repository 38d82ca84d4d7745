"""Which memory format trains faster on a machine: plain steps of small networks in both, in turns."""

import json
import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from gradflow.errors import GradflowError
from gradflow.files import atomic_write
from gradflow.models.build import build
from gradflow.runs import Run
from gradflow.training.loop import forward_backward, make_optimizer
from gradflow.training.memory_format import FORMATS, set_memory_format

NETWORKS = ("vgg_deep", "resnet18", "resnet50")
CLEARLY = 0.9  # of the contiguous step's time: channels_last is taken at or below
PAIRS, SECONDS = 25, 2.0  # of a network; three pairs at least, whatever they take
PIXELS = 32 * 64**2  # of a batch


def measure_formats(device: torch.device, width: float, image_size: int) -> dict:
    """Return the format to train in and what was measured: {"memory_format": ..., "ratios": {network: ratio}, ...}.

    ratio: the time of a step in channels_last over that of a contiguous one, median of paired steps. A network that
    trains contiguous whatever is wanted is left out. width: the networks' width multiplier. image_size: in pixels.
    """
    ratios = {name: _ratio(name, device, width, image_size) for name in NETWORKS}
    ratios = {name: ratio for name, ratio in ratios.items() if ratio is not None}
    mean = statistics.geometric_mean(ratios.values())
    chosen = "channels_last" if mean <= CLEARLY and max(ratios.values()) <= 1 else "contiguous"
    return {"memory_format": chosen, "ratios": ratios, "width": width, "image_size": image_size}


def write_choice(path: Path, choice: dict) -> None:
    """Write what was measured, and where, as JSON."""
    atomic_write(Path(path), lambda stream: stream.write(f"{json.dumps(choice, indent=2)}\n".encode()))


def read_choice(path: Path) -> str:
    """Return the format that was chosen. Raises GradflowError if the file does not say."""
    try:
        chosen = json.loads(Path(path).read_text(encoding="utf-8"))["memory_format"]
    except (OSError, ValueError, LookupError, TypeError):
        chosen = None
    if chosen not in FORMATS:
        raise GradflowError(f"{path} says no memory format: delete it, and it is measured again.")
    return chosen


def _ratio(name: str, device: torch.device, width: float, image_size: int) -> float | None:
    steps = {wanted: _stepper(name, device, width, image_size, wanted) for wanted in FORMATS}
    if not all(steps.values()):
        return None
    for step in steps.values():
        step()  # kernels are chosen at the first
    pairs, started = [], time.perf_counter()
    while len(pairs) < 3 or (len(pairs) < PAIRS and time.perf_counter() - started < SECONDS):
        order = list(FORMATS)[:: 1 if len(pairs) % 2 else -1]
        seconds = {wanted: steps[wanted]() for wanted in order}
        pairs.append(seconds["channels_last"] / seconds["contiguous"])
    return round(statistics.median(pairs), 4)


def _stepper(name: str, device: torch.device, width: float, image_size: int, wanted: str) -> Callable | None:
    """Return a function that takes a step and returns its seconds; None for a network that trains otherwise."""
    batch = max(2, min(32, math.floor(PIXELS / image_size**2)))
    run = Run(name, "", "", image_size, seed=0, width=width, init="he", batch_size=batch)
    model = build(name, classes=10, image_size=image_size, init=run.init, seed=run.seed, width=width).to(device)
    if set_memory_format(model, wanted) != wanted:
        return None
    optimizer = make_optimizer(run, model)
    images, labels = torch.randn(batch, 3, image_size, image_size), torch.randint(10, (batch,))
    images, labels = images.to(device), labels.to(device)

    def step() -> float:
        started = time.perf_counter()
        forward_backward(run, model, optimizer, images, labels, wanted)
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - started

    return step
