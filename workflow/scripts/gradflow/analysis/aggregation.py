"""From finished runs to the tables norms, layers, profiles, epochs and runs (`gradflow.analysis.schemas`)."""

import json
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gradflow.analysis.filters import smoothness
from gradflow.analysis.profiles import phase_rows
from gradflow.analysis.schemas import OUTCOMES, TABLES
from gradflow.analysis.tables import schema, write_table
from gradflow.files import atomic_write
from gradflow.recorder.quantities import NAMES, PROFILED
from gradflow.runs import Run
from gradflow.training.result import CLIPPING, FILTERS, PER_EPOCH, Result, read_result

BINS = 100  # stretches of training in `layers`
_OVER_STEPS = {"total_grad_norm": np.median, "clipped_grad_norm": np.median, "clipped_share": np.mean}


def write_tables(paths: Iterable[Path], folder: Path) -> None:
    """Read each finished run once and write all tables, each in one move; memory holds one run and the small tables."""
    profiles, epochs, runs = [], [], []

    def fill(norms_stream) -> None:
        def fill_layers(layers_stream) -> None:
            with ExitStack() as stack:
                every_step = stack.enter_context(_writer(norms_stream, "norms"))
                over_time = stack.enter_context(_writer(layers_stream, "layers"))
                for path in paths:
                    result = read_result(path)
                    every_step.write_table(norm_table(result))  # a row group a run: readers skip the others
                    over_time.write_table(layer_table(result))
                    profiles.append(profile_table(result))
                    epochs.append(epoch_table(result))
                    runs.append(run_row(result))

        atomic_write(Path(folder) / "layers.parquet", fill_layers)

    atomic_write(Path(folder) / "norms.parquet", fill)
    write_table(folder, "profiles", pd.concat(profiles))
    write_table(folder, "epochs", pd.concat(epochs))
    write_table(folder, "runs", pd.DataFrame(runs))


def write_arms(folder: Path, rows: list[list]) -> None:
    """Write which run belongs to which arm, from rows in the order of the table's columns."""
    write_table(folder, "arms", pd.DataFrame(rows, columns=list(TABLES["arms"].columns)))


def norm_table(result: Result) -> pa.Table:
    """Return every step of every layer of a run, a row each."""
    steps, layers = result["grad_rms"].shape
    columns = {
        "seed": np.full(steps * layers, result.meta["settings"]["seed"], np.int32),
        "epoch": np.repeat(result["epoch"].astype(np.int32), layers),
        "step": np.repeat(result["step"].astype(np.int32), layers),
    }
    columns |= {name: result[name].astype(np.float32, copy=False).ravel() for name in NAMES}
    return _as_table("norms", columns | _keys(result, steps))


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
    return _as_table("layers", columns | _keys(result, len(starts)))


def profile_table(result: Result) -> pd.DataFrame:
    """Return the depth profiles of a run at each phase that it has: the median over the phase's steps."""
    rows_of = phase_rows(len(result["step"]), result.meta["status"])
    phases = {phase: rows for phase, rows in rows_of.items() if len(rows)}
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
    """Return a run's training curves, one row an epoch, and how its gradients were clipped, if they were."""
    curves = {name: result[name] for name in PER_EPOCH}
    seconds = result.provenance.get("epoch_seconds")
    epochs = np.arange(len(result["train_loss"]))
    missing = np.full(len(result["step"]), np.nan)
    before, factor = (result.arrays.get(name, missing) for name in CLIPPING)
    clipped = np.where(np.isnan(factor), np.nan, factor < 1)
    with np.errstate(invalid="ignore"):  # Inf, scaled down to 0
        steps = {"total_grad_norm": before, "clipped_grad_norm": before * factor, "clipped_share": clipped}
    medians = {name: [of(steps[name][result["epoch"] == e]) for e in epochs] for name, of in _OVER_STEPS.items()}
    return pd.DataFrame({"run": result.meta["run"], "epoch": epochs, **curves, "seconds": seconds, **medians})


def run_row(result: Result) -> dict:
    """Return the summary of a run as one row: identity, settings, outcome, and how it was made."""
    made = result.provenance
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
        "test_images": int(result["confusion_matrix"].sum()),
        "parameters": result.meta["parameters"],
        "first_layer_weights": int(result["layer_weight_numel"][_first_layer_of(result)]),
        "steps": len(loss),
    }
    before, after = (result.arrays.get(name, np.empty((0, 0, 0, 0))).astype(float) for name in FILTERS)
    filters = {"filters_before": before, "filters_after": after, "filters_change": after - before}
    outcome |= {name: smoothness(those) for name, those in filters.items()}
    how = {key: made.get(key) for key in ("seconds", "peak_memory_mb", "device", "commit", "dirty")}
    how["step_ms"] = 1000 * sum(made["training_seconds"]) / len(loss)
    settings = setting_columns(Run(**result.meta["settings"]))
    return {"run": result.meta["run"]} | settings | {name: (outcome | how)[name] for name in OUTCOMES}


def _first_layer_of(result: Result) -> int:
    """The column of the first layer in forward order; a layer that never ran has a depth of -1."""
    depth = result["layer_depth"]
    return int(np.argmin(np.where(depth >= 0, depth, len(depth))))


def setting_columns(run: Run) -> dict:
    """Return every setting of a run, neutral ones too, as its row has them: options as JSON, or None without any."""
    return {
        name: (json.dumps(value, sort_keys=True) if value else None) if isinstance(value, dict) else value
        for name, value in asdict(run).items()
    }


def _keys(result: Result, repeats: int) -> dict:
    """The columns that say which run and layer a row is about, for tables of [repeats, layers] rows."""
    layers = len(result["layer_name"])
    order = np.tile(np.arange(layers, dtype=np.int32), repeats)
    return {
        "run": pa.DictionaryArray.from_arrays(np.zeros(repeats * layers, np.int32), [result.meta["run"]]),
        "layer": pa.DictionaryArray.from_arrays(order, list(result["layer_name"])),
        "depth": np.tile(result["layer_depth"].astype(np.int32), repeats),
    }


def _as_table(name: str, columns: dict) -> pa.Table:
    return pa.table(columns).select(schema(name).names).cast(schema(name))


def _writer(stream, name: str) -> pq.ParquetWriter:
    """A writer that looks for repeated values in the keys alone: norms have none."""
    keys = [column for column in schema(name).names if column not in NAMES]
    return pq.ParquetWriter(stream, schema(name), use_dictionary=keys, write_statistics=keys)
