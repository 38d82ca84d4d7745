"""From finished runs to tables: one tidy table of every norm, and small ones that figures and prose read.

norms.parquet   run, seed, epoch, step, layer, depth, quantity, value     every step of every layer
profiles.csv    run, moment, quantity, layer, depth, value                at init, after one step, mid-way, at the end
layers.parquet  run, time, layer, depth, quantity, mean                   over time, in at most 100 stretches of steps
epochs.csv      run, epoch, loss and accuracy of train and validation, seconds
runs.csv        one row a run: settings, status, test metrics, parameters, time, device
arms.csv        study, title, arm, label, run, seed                       which run belongs to which study
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gradflow import results
from gradflow.files import atomic_write, write_table
from gradflow.metrics import moment_rows

ARM_COLUMNS = ["study", "title", "arm", "label", "run", "seed"]
BINS = 100
PROFILED = ("grad_output_norm", "grad_sample_norm", "grad_rms", "weight_grad_norm", "update_ratio")
SCHEMA = pa.schema(
    {
        "run": pa.dictionary(pa.int32(), pa.string()),
        "seed": pa.int32(),
        "epoch": pa.int32(),
        "step": pa.int32(),
        "layer": pa.dictionary(pa.int32(), pa.string()),
        "depth": pa.int32(),
        "quantity": pa.dictionary(pa.int32(), pa.string()),
        "value": pa.float32(),
    }
)


def write_tables(paths: Iterable[Path], norms: Path, profiles: Path, layers: Path, epochs: Path, runs: Path) -> None:
    """Read each finished run once and write all tables, each in one move; memory holds one run at a time."""
    parts: dict[Path, list[pd.DataFrame]] = {profiles: [], layers: [], epochs: [], runs: []}

    def fill(stream) -> None:
        with pq.ParquetWriter(stream, SCHEMA) as writer:
            for path in paths:
                result = results.read(path)
                for quantity in results.PER_STEP_AND_LAYER:  # a row group each: readers skip what they do not ask for
                    writer.write_table(_tidy(result, quantity))
                parts[profiles].append(profile_table(result))
                parts[layers].append(layer_table(result))
                parts[epochs].append(epoch_table(result))
                parts[runs].append(pd.DataFrame([run_row(result)]))

    atomic_write(Path(norms), fill)
    for path, frames in parts.items():
        write_table(path, pd.concat(frames, ignore_index=True))


def profile_table(result: results.Result) -> pd.DataFrame:
    """Return the depth profiles of a run at each moment: the median over the moment's steps."""
    frames = []
    for moment, rows in moment_rows(len(result["step"])).items():
        if not len(rows):
            continue
        for quantity in PROFILED:
            frames.append(
                _layers(result).assign(
                    moment=moment, quantity=quantity, value=np.median(result[quantity][rows], axis=0)
                )
            )
    return pd.concat(frames, ignore_index=True)[["run", "moment", "quantity", "layer", "depth", "value"]]


def layer_table(result: results.Result) -> pd.DataFrame:
    """Return every quantity and layer over time: the means over at most BINS equal stretches of the planned steps.

    `time` is the middle of a stretch, in epochs.
    """
    steps = len(result["step"])
    steps_per_epoch = np.count_nonzero(result["epoch"] == result["epoch"][0])
    planned = steps_per_epoch * result.meta["settings"]["epochs"]  # a run that ended early keeps the others' stretches
    starts = np.unique(np.linspace(0, planned, min(BINS, planned), endpoint=False).astype(int))
    starts = starts[starts < steps]
    counts = np.diff(np.append(starts, steps))
    time = (starts + counts / 2) / steps_per_epoch
    layers, bins = len(result["layer_name"]), len(starts)
    columns = _layers(result)
    frames = []
    for quantity in PROFILED:
        means = np.add.reduceat(result[quantity].astype(np.float64), starts, axis=0) / counts[:, None]
        repeated = columns.iloc[np.tile(np.arange(layers), bins)]
        frames.append(repeated.assign(time=np.repeat(time, layers), quantity=quantity, mean=means.ravel()))
    return pd.concat(frames, ignore_index=True)[["run", "time", "layer", "depth", "quantity", "mean"]]


def epoch_table(result: results.Result) -> pd.DataFrame:
    """Return a run's training curves, one row an epoch."""
    curves = {name: result[name] for name in results.PER_EPOCH}
    seconds = result.provenance.get("epoch_seconds")
    return pd.DataFrame(
        {"run": result.meta["run"], "epoch": np.arange(len(result["train_loss"])), **curves, "seconds": seconds}
    )


def run_row(result: results.Result) -> dict:
    """Return the summary of a run as one row: identity, settings, outcome, and how it was made."""
    settings, made = result.meta["settings"], result.provenance
    outcome = {
        "status": result.meta["status"],
        "reason": result.meta["reason"],
        "test_loss": float(result["test_loss"]),
        "test_accuracy": float(result["test_accuracy"]),
        "train_accuracy": float(result["train_accuracy"][-1]),
        "validation_accuracy": float(result["validation_accuracy"][-1]),
        "classes": len(result.meta["classes"]),
        "parameters": result.meta["parameters"],
        "steps": len(result["step"]),
    }
    how = {key: made.get(key) for key in ("seconds", "peak_memory_mb", "device", "commit", "dirty")}
    how["step_ms"] = 1000 * sum(made["training_seconds"]) / len(result["step"])
    return {"run": result.meta["run"]} | settings | outcome | how


def _layers(result: results.Result) -> pd.DataFrame:
    return pd.DataFrame({"run": result.meta["run"], "layer": result["layer_name"], "depth": result["layer_depth"]})


def _tidy(result: results.Result, quantity: str) -> pa.Table:
    steps, layers = result[quantity].shape
    total = steps * layers

    def constant(value: str) -> pa.DictionaryArray:
        return pa.DictionaryArray.from_arrays(np.zeros(total, np.int32), [value])

    columns = {
        "run": constant(result.meta["run"]),
        "seed": np.full(total, result.meta["settings"]["seed"], np.int32),
        "epoch": np.repeat(result["epoch"].astype(np.int32), layers),
        "step": np.repeat(result["step"].astype(np.int32), layers),
        "layer": pa.DictionaryArray.from_arrays(
            np.tile(np.arange(layers, dtype=np.int32), steps), list(result["layer_name"])
        ),
        "depth": np.tile(result["layer_depth"].astype(np.int32), steps),
        "quantity": constant(quantity),
        "value": result[quantity].ravel(),
    }
    return pa.table(columns, schema=SCHEMA)
