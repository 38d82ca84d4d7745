"""What aggregation costs: 1,000 synthetic runs of 2,000 steps and 50 layers, then twice as many; seconds and memory.

    python bench/tables.py [runs] [steps] [layers]

Each size is aggregated by a process of its own, whose peak memory is what it says. Needs 9 GB of disk for the largest.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gradflow.analysis.aggregation import write_tables
from gradflow.runs import Run
from gradflow.training.result import PER_EPOCH, PER_LAYER, PER_STEP, PER_STEP_AND_LAYER, Result, write_result

EPOCHS = 10


def synthetic(seed: int, steps: int, layers: int) -> Result:
    """A run whose norms are log-normal noise: no two numbers alike, as in a real one."""
    generator = np.random.default_rng(seed)
    run = Run("vgg16", "digits", "digits", 32, seed=seed, width=0.25, epochs=EPOCHS)
    arrays = {name: np.exp(generator.standard_normal((steps, layers), np.float32)) for name in PER_STEP_AND_LAYER}
    arrays |= {name: np.arange(steps) for name in PER_STEP} | {"epoch": np.arange(steps) * EPOCHS // steps}
    arrays |= {name: generator.random(EPOCHS) for name in PER_EPOCH}
    arrays |= {name: np.arange(layers) for name in PER_LAYER}
    arrays |= {"layer_name": np.array([f"features.{layer}" for layer in range(layers)])}
    arrays |= {"test_loss": np.float64(1), "test_accuracy": np.float64(0.5), "confusion_matrix": np.eye(10, dtype=int)}
    arrays |= {f"filters_{when}": generator.random((16, 3, 3, 3)) for when in ("before", "after")}
    meta = {"run": run.id, "status": "completed", "reason": "", "settings": run.settings, "parameters": 1}
    meta |= {"classes": [str(digit) for digit in range(10)]}
    return Result(arrays, meta, {"epoch_seconds": [1.0] * EPOCHS, "training_seconds": [1.0] * EPOCHS})


def aggregate(folder: Path, runs: int) -> None:
    started = time.perf_counter()
    write_tables([folder / f"{run}.npz" for run in range(runs)], folder / "tables")
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1024) / 1024
    size = sum(path.stat().st_size for path in (folder / "tables").iterdir()) / 2**30
    print(f"{runs:,} runs: {seconds:.1f} s, peak memory {peak:.2f} GiB, tables {size:.2f} GiB", flush=True)


def main(runs: int = 1000, steps: int = 2000, layers: int = 50) -> None:
    with tempfile.TemporaryDirectory() as name:
        for run in tqdm(range(2 * runs), "synthetic runs", disable=None):
            write_result(Path(name) / f"{run}.npz", synthetic(run, steps, layers))
        for count in (runs, 2 * runs):
            subprocess.run([sys.executable, __file__, "--aggregate", name, str(count)], check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--aggregate"]:
        aggregate(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main(*map(int, sys.argv[1:]))
