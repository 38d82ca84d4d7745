"""What a plan will cost, before anything runs: from FLOPs, images and epochs."""

import json
from pathlib import Path

from gradflow.data.splits import SHARES
from gradflow.resources import Size

FLOPS_PER_SECOND = 20e12  # what seeds 000 and 001 reached on their GPU: 14 (ResNet-50) to 33 (VGG-19), float32
WORTH_SAYING = 0.1  # GPU hours
TRAINING_IMAGES = {"digits": 1258, "cifar10": 50_000, "tiny_imagenet": 100_000}
IMAGES_PER_WNID = 500


def in_words(config: dict, studies: list, sizes: dict[str, Size], results: Path) -> str:
    """Say how many runs a plan has, how many have no result yet, and how many GPU hours those may take; "" if none.

    sizes: {id of an arm's first run: the size of its network}.
    """
    runs = {run.id: (run, sizes[arm.runs[0].id].flops) for study in studies for arm in study.arms for run in arm.runs}
    new = [pair for key, pair in runs.items() if not (results / "runs" / key / "norms.npz").exists()]
    if not new:
        return ""
    said = f"gradflow: {len(runs)} training run{'s' * (len(runs) > 1)}, {len(new)} without a result yet"
    total, uncounted = 0.0, 0
    for run, per_image in new:
        images = training_images(run.dataset, config["datasets"][run.dataset], results)
        total += per_image * run.epochs * (images or 0)
        uncounted += images is None
    hours = total / FLOPS_PER_SECOND / 3600
    if hours >= WORTH_SAYING:
        said += (
            f"; training them takes {total:.2g} FLOP, about {hours:.2g} GPU hours at {FLOPS_PER_SECOND / 1e12:.0f} "
            "TFLOP/s (float32, a large recent GPU; small networks use less of it)"
        )
    if uncounted:
        said += f"; {uncounted} runs are left out, as their images are not counted before they are prepared"
    return said + ".\n"


def training_images(name: str, settings: dict, results: Path) -> int | None:
    """Return how many images a data set trains on: as prepared, else as its source is known; None if it is not."""
    prepared = results / "data" / name / "dataset.json"
    if prepared.exists():
        return json.loads(prepared.read_text())["counts"]["train"]
    if settings.get("groups"):
        return round(SHARES[0] * IMAGES_PER_WNID * sum(map(len, settings["groups"].values())))
    return TRAINING_IMAGES.get(settings["source"])
