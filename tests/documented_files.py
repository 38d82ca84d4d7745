"""The files that the documentation's commands and blocks speak of."""

import shutil
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from documents import BLOCKS, ROOT, filled_in
from gradflow import GradientRecorder

NETWORK = """from torch import nn


def my_network():
    return nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))


def make_net(classes, channels, image_size, heads=4, width=1.0):
    first, last = nn.Linear(channels * image_size**2, 8 * heads), nn.Linear(8 * heads, classes)
    return nn.Sequential(nn.Flatten(), first, nn.ReLU(), last)
"""
LOAD = """import numpy as np


def load():
    return np.zeros((40, 8, 8), np.uint8) + np.arange(40, dtype=np.uint8)[:, None, None], np.arange(40) % 2
"""


def furnish(folder: Path) -> None:
    """Put them into a copy of the workflow: its environment, images, arrays, networks, blocks that are files."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "README.md"):
        shutil.copy2(ROOT / name, folder)
    shutil.copytree(ROOT / "bench", folder / "bench")
    (folder / ".venv").mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name != "ready":
            (folder / ".venv" / part.name).symlink_to(part)
    (folder / ".venv" / "ready").touch()
    for path in [folder / "photos" / kind / f"{i}.png" for kind in ("cat", "dog") for i in range(10)]:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)).save(path)
    shutil.make_archive(folder / "photos", "zip", folder, "photos")
    place = folder / "path" / "to"
    shutil.copytree(folder / "photos", place / "photos")
    np.savez(place / "arrays.npz", images=np.arange(1280).reshape(20, 8, 8) % 256, labels=np.arange(20) % 2)
    for name, text in {"nets.py": NETWORK, "path/to/net.py": NETWORK, "path/to/file.py": LOAD}.items():
        (folder / name).write_text(text)
    (folder / ".snakemake" / "slurm_logs").mkdir()
    recorder_of(nn.Linear(3, 2), [(torch.ones(4, 3), torch.ones(4, dtype=int))]).save(folder / "mine.npz")
    for block in BLOCKS:
        if block.file:
            (folder / block.file).write_text(filled_in(block.code), encoding="utf-8")


def recorder_of(model: nn.Module, batches: list) -> GradientRecorder:
    """A recorder that has recorded a step a batch."""
    with GradientRecorder(model) as its:
        for images, labels in batches:
            nn.functional.cross_entropy(model(images), labels).backward()
            its.step()
            model.zero_grad()
    return its
