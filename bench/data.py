"""What preparing a data set costs, and what reading batches from it saves, against torchvision's way; as ratios.

    GRADFLOW_REAL_DATA=folder python bench/data.py

The folder holds cifar10-jpeg.tar.xz (60,000 images in train/ and test/) and tiny-imagenet-200-subset.zip. Prepares both
with two processes; decodes the same files once with ImageFolder and a DataLoader of two workers; then reads batches of
32 images at 224 pixels both ways in one process and one thread, in turns. Memory is Pss_Anon of
/proc/<pid>/smaps_rollup, summed over the processes: what they hold beyond the mapped array.
"""

import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import torch
from torch.utils.data import DataLoader, Subset
from torchvision import transforms
from torchvision.datasets import ImageFolder

from gradflow.data import store
from gradflow.data.archives import members
from gradflow.data.batches import batches
from gradflow.data.normalization import IMAGENET
from gradflow.data.prepare import prepare

WORKERS, BATCH, SIDE, ROUNDS = 2, 32, 224, 15
SOURCES = {"cifar10-jpeg.tar.xz": "folder", "tiny-imagenet-200-subset.zip": "tiny_imagenet"}


def anonymous_mib() -> float:
    """Return the memory of this process and its children that no file backs, in MiB."""
    total = 0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:"))
    return total / 1024


class Peak:
    """The largest memory seen, and the seconds that went by, while the block ran."""

    def __enter__(self):
        self.before = self.mib = anonymous_mib()
        self._running = True
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        self._started = time.perf_counter()
        return self

    def _watch(self):
        while self._running:
            self.mib = max(self.mib, anonymous_mib())
            time.sleep(0.1)

    def __exit__(self, *_):
        self.seconds = time.perf_counter() - self._started
        self._running = False
        self._thread.join()


def decode_with_torchvision(folder: Path) -> int:
    """Decode every file of class folders once, as PIL images turned into uint8 tensors; return how many."""
    images = ImageFolder(str(folder), transform=transforms.PILToTensor())
    return sum(len(batch) for batch, _ in DataLoader(images, batch_size=256, num_workers=WORKERS))


def read_batches(dataset, side: int, count: int) -> float:
    """Return the seconds that so many batches from the prepared arrays take."""
    shuffle = torch.Generator().manual_seed(0)
    order = batches(dataset, "train", BATCH, torch.device("cpu"), "imagenet", side, shuffle)
    started = time.perf_counter()
    for _ in range(count):
        next(order)
    return time.perf_counter() - started


def read_as_the_notebooks_do(images: ImageFolder, count: int, seed: int) -> float:
    """Return the seconds that so many batches take when PIL decodes and resizes each image anew."""
    rows = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))[: count * BATCH]
    started = time.perf_counter()
    for _ in DataLoader(Subset(images, rows.tolist()), BATCH):
        pass
    return time.perf_counter() - started


def compare_batches(dataset, folder: Path, side: int) -> None:
    """Print how many batches a second come from the arrays, and how many as the notebooks make them."""
    seeds = [transforms.Resize((side, side)), transforms.ToTensor(), transforms.Normalize(*IMAGENET)]
    images = ImageFolder(str(folder), transform=transforms.Compose(seeds))
    count = 10 if side == SIDE else 150
    read_batches(dataset, side, count), read_as_the_notebooks_do(images, 3, 0)
    mine, again, old = [], [], []
    for round_ in range(ROUNDS):
        mine.append(read_batches(dataset, side, count) / count)
        old.append(read_as_the_notebooks_do(images, 10, round_) / 10)
        again.append(read_batches(dataset, side, count) / count)
    ratio = statistics.median(o / m for o, m in zip(old, mine))
    control = statistics.median(a / m for a, m in zip(again, mine))
    print(
        f"  batches of {BATCH} at {side} px: {1 / statistics.median(mine):.0f} a second from the arrays, "
        f"{1 / statistics.median(old):.0f} with PIL's decode and Resize: {ratio:.1f}× (A/A {control:.3f})"
    )


def main() -> None:
    data = Path(os.environ.get("GRADFLOW_REAL_DATA", ""))
    missing = [name for name in SOURCES if not (data / name).is_file()]
    if missing:
        sys.exit(f"bench/data.py needs {missing[0]} in the folder that GRADFLOW_REAL_DATA names.")
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, load {os.getloadavg()[0]:.2f}, {WORKERS} processes prepare, 1 thread reads\n")
    with tempfile.TemporaryDirectory() as temporary:
        for name, source in SOURCES.items():
            folder = Path(temporary) / source
            settings = {"source": source, "path": str(data / name), "size": SIDE}
            with Peak() as ours:
                prepare(folder / "prepared", source, settings, archive=data / name, workers=WORKERS)
            dataset = store.load_dataset(folder / "prepared")
            with Peak() as writing:
                for member in members(data / name, folder / "scratch"):
                    path = folder / "files" / member.name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(member.read())
            parts = [folder / "files" / part for part in ("train", "test" if source == "folder" else "val")]
            with Peak() as theirs:
                decoded = sum(decode_with_torchvision(part) for part in parts)
            count, rate = len(dataset.labels) / ours.seconds, decoded / theirs.seconds
            with_unpacking = decoded / (theirs.seconds + writing.seconds)
            print(
                f"{name}, {len(dataset.labels):,} images\n"
                f"  prepared: {ours.seconds:.1f} s, {count:,.0f} images/s from archive to fingerprint; "
                f"at most {ours.mib - ours.before:.0f} MiB\n"
                f"  beyond the mapped array of {dataset.images.nbytes >> 20} MiB\n"
                f"  unpacked to files: {writing.seconds:.1f} s; decoded once by ImageFolder + DataLoader: "
                f"{theirs.seconds:.1f} s, {rate:,.0f} images/s, {theirs.mib - theirs.before:.0f} MiB\n"
                f"  ratio of rates: {count / with_unpacking:.2f} with the unpacking, {count / rate:.2f} without"
            )
            compare_batches(dataset, parts[0], dataset.images.shape[-1])
            compare_batches(dataset, parts[0], SIDE)
            print()
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
