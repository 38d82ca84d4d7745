"""From finished runs to tables: one table of every norm, and small ones that figures, claims and prose read.

norms.parquet   run, seed, epoch, step, layer, depth, and a column a quantity     every step of every layer
layers.parquet  run, time, layer, depth, and a column a quantity                  over time, in at most 100 stretches
profiles.csv    run, phase, quantity, layer, depth, value                        at init, after one step, mid-way, end
epochs.csv      run, epoch, loss and accuracy of train and validation, seconds
runs.csv        one row a run: settings, status, test metrics, parameters, time, device
arms.csv        study, title, arm, label, run, seed, start, colour, beside        which run belongs to which study
"""

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gradflow.analysis.filters import smoothness
from gradflow.analysis.profiles import phase_rows
from gradflow.files import atomic_write, write_table
from gradflow.recorder.quantities import NAMES, PROFILED
from gradflow.runs import Run
from gradflow.training.result import FILTERS, PER_EPOCH, Result, read_result

ARM_COLUMNS = ["study", "title", "arm", "label", "run", "seed", "start", "colour", "beside"]
# What a row of runs.csv says beside the run's settings.
OUTCOMES = (
    "status", "reason", "test_loss", "test_accuracy", "train_accuracy", "validation_accuracy", "mean_loss",
    "loss_jumps", "classes", "parameters", "steps", "filters_before", "filters_after", "seconds", "peak_memory_mb",
    "device", "commit", "dirty", "step_ms",
)  # fmt: skip
BINS = 100
NAME = pa.dictionary(pa.int32(), pa.string())
LAYER = {"layer": NAME, "depth": pa.int32()}
NORMS = pa.schema(
    {"run": NAME, "seed": pa.int32(), "epoch": pa.int32(), "step": pa.int32()}
    | LAYER
    | dict.fromkeys(NAMES, pa.float32())
)
LAYERS = pa.schema({"run": NAME, "time": pa.float64()} | LAYER | dict.fromkeys(PROFILED, pa.float64()))


def write_tables(paths: Iterable[Path], norms: Path, profiles: Path, layers: Path, epochs: Path, runs: Path) -> None:
    """Read each finished run once and write all tables, each in one move; memory holds one run and the small tables."""
    small: dict[Path, list[pd.DataFrame]] = {profiles: [], epochs: [], runs: []}

    def fill(norms_stream) -> None:
        def fill_layers(layers_stream) -> None:
            with ExitStack() as stack:
                every_step = stack.enter_context(_writer(norms_stream, NORMS))
                over_time = stack.enter_context(_writer(layers_stream, LAYERS))
                for path in paths:
                    result = read_result(path)
                    every_step.write_table(norm_table(result))  # a row group a run: readers skip the others
                    over_time.write_table(layer_table(result))
                    small[profiles].append(profile_table(result))
                    small[epochs].append(epoch_table(result))
                    small[runs].append(pd.DataFrame([run_row(result)]))

        atomic_write(Path(layers), fill_layers)

    atomic_write(Path(norms), fill)
    for path, frames in small.items():
        write_table(path, pd.concat(frames, ignore_index=True))


def norm_table(result: Result) -> pa.Table:
    """Return every step of every layer of a run, a row each."""
    steps, layers = result["grad_rms"].shape
    columns = {
        "seed": np.full(steps * layers, result.meta["settings"]["seed"], np.int32),
        "epoch": np.repeat(result["epoch"].astype(np.int32), layers),
        "step": np.repeat(result["step"].astype(np.int32), layers),
    }
    columns |= {name: result[name].astype(np.float32, copy=False).ravel() for name in NAMES}
    return pa.table(columns | _keys(result, steps)).select(NORMS.names).cast(NORMS)


def layer_table(result: Result) -> pa.Table:
    """Return every layer over time: the means over at most BINS equal stretches of the planned steps.

    `time` is the middle of a stretch, in epochs.
    """
    steps = len(result["step"])
    steps_per_epoch = np.count_nonzero(result["epoch"] == result["epoch"][0])
    planned = steps_per_epoch * result.meta["settings"]["epochs"]  # a run that ended early keeps the others' stretches
    starts = np.unique(np.linspace(0, planned, min(BINS, planned), endpoint=False).astype(int))
    starts = starts[starts < steps]
    counts = np.diff(np.append(starts, steps))
    time = (starts + counts / 2) / steps_per_epoch
    columns = {"time": np.repeat(time, len(result["layer_name"]))}
    for quantity in PROFILED:
        sums = np.add.reduceat(result[quantity].astype(np.float64), starts, axis=0)
        columns[quantity] = (sums / counts[:, None]).ravel()
    return pa.table(columns | _keys(result, len(starts))).select(LAYERS.names).cast(LAYERS)


def profile_table(result: Result) -> pd.DataFrame:
    """Return the depth profiles of a run at each phase: the median over the phase's steps."""
    phases = {phase: rows for phase, rows in phase_rows(len(result["step"])).items() if len(rows)}
    layers = len(result["layer_name"])
    values = [np.median(result[quantity][rows], axis=0) for rows in phases.values() for quantity in PROFILED]
    return pd.DataFrame(
        {
            "run": result.meta["run"],
            "phase": np.repeat(list(phases), layers * len(PROFILED)),
            "quantity": np.tile(np.repeat(PROFILED, layers), len(phases)),
            "layer": np.tile(result["layer_name"], len(values)),
            "depth": np.tile(result["layer_depth"], len(values)),
            "value": np.concatenate(values),
        }
    )


def epoch_table(result: Result) -> pd.DataFrame:
    """Return a run's training curves, one row an epoch."""
    curves = {name: result[name] for name in PER_EPOCH}
    seconds = result.provenance.get("epoch_seconds")
    return pd.DataFrame(
        {"run": result.meta["run"], "epoch": np.arange(len(result["train_loss"])), **curves, "seconds": seconds}
    )


def run_row(result: Result) -> dict:
    """Return the summary of a run as one row: identity, settings, outcome, and how it was made.

    `mean_loss` is the mean of the training loss over all steps, `loss_jumps` the root mean square of its change from
    one step to the next, in nats; `filters_before` and `filters_after` are the smoothness of the first filters.
    """
    settings, made = Run(**result.meta["settings"]).columns, result.provenance
    loss = result["loss"].astype(float)
    outcome = {
        "status": result.meta["status"],
        "reason": result.meta["reason"],
        "test_loss": float(result["test_loss"]),
        "test_accuracy": float(result["test_accuracy"]),
        "train_accuracy": float(result["train_accuracy"][-1]),
        "validation_accuracy": float(result["validation_accuracy"][-1]),
        "mean_loss": loss.mean(),
        "loss_jumps": np.sqrt(np.mean(np.diff(loss) ** 2)) if len(loss) > 1 else np.nan,
        "classes": len(result.meta["classes"]),
        "parameters": result.meta["parameters"],
        "steps": len(loss),
    }
    outcome |= {name: smoothness(result.arrays.get(name, np.empty((0, 0, 0, 0)))) for name in FILTERS}
    how = {key: made.get(key) for key in ("seconds", "peak_memory_mb", "device", "commit", "dirty")}
    how["step_ms"] = 1000 * sum(made["training_seconds"]) / len(loss)
    return {"run": result.meta["run"]} | settings | {name: (outcome | how)[name] for name in OUTCOMES}


def _keys(result: Result, repeats: int) -> dict:
    """The columns that say which run and layer a row is about, for tables of [repeats, layers] rows."""
    layers = len(result["layer_name"])
    order = np.tile(np.arange(layers, dtype=np.int32), repeats)
    return {
        "run": pa.DictionaryArray.from_arrays(np.zeros(repeats * layers, np.int32), [result.meta["run"]]),
        "layer": pa.DictionaryArray.from_arrays(order, list(result["layer_name"])),
        "depth": np.tile(result["layer_depth"].astype(np.int32), repeats),
    }


def _writer(stream, schema: pa.Schema) -> pq.ParquetWriter:
    """A writer that looks for repeated values in the keys alone: norms have none."""
    keys = [name for name in schema.names if name not in NAMES]
    return pq.ParquetWriter(stream, schema, use_dictionary=keys, write_statistics=keys)
