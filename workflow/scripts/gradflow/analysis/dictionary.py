"""The data dictionary: what every column of every table means, and its unit.

`python -m gradflow.analysis.dictionary` prints docs/tables.md. What a column is that is a setting of a run, a quantity
or a cause is said where that has its home; the others are said here.
"""

from dataclasses import fields
from types import NoneType
from typing import get_args

import numpy as np

from gradflow.analysis.schemas import TABLES
from gradflow.causes import CAUSES
from gradflow.config.settings import Settings
from gradflow.recorder.quantities import LABELS
from gradflow.runs import Run

HEAD = """# Every column of every table

`results/tables/<name>.parquet` holds a table with these types; `<name>.csv` is the same for people, of all but those
that are called large. Read one with

```python
from gradflow.analysis.tables import read_table

runs = read_table("results/tables", "runs")
```

A number that could not be measured is NaN; where a value may be absent, the type says so. A decade is a factor of ten,
as its log10. Which run is whose arm: join `arms` by `run`.

This page is written by `make reference` from `gradflow.analysis.schemas` and `gradflow.analysis.dictionary`.
"""
TYPES = {str: "text", int: "integer", float: "number", bool: "true or false", np.int32: "integer", np.float32: "number"}
# {column, or table.column: (what it is, its unit)}
MEANINGS = {
    "run": ("The run, by the id that its settings give it; its folder under `runs/`.", ""),
    "seed": ("The random seed.", ""),
    "epoch": ("The epoch, from 0 on.", ""),
    "step": ("The step, an update of the weights, from 0 on; a gradient is that before the update.", ""),
    "layer": ("The layer, as the network spells its name.", ""),
    "depth": ("The layer's position in the forward order, from 0 on; −1: it never ran.", ""),
    "time": ("The middle of the stretch of training.", "epochs"),
    "phase": ("init, one_step, middle, second_half or end: the steps over which the median is taken.", ""),
    "quantity": ("Which quantity `value` is of: a name of `norms`' columns.", ""),
    "value": ("The quantity's value, of a phase its median over steps.", "its own"),
    "train_loss": ("Mean training loss over the epoch as it went.", "nats"),
    "train_accuracy": ("Share of the training images told right, over the (last) epoch as it went.", ""),
    "validation_loss": ("Loss of the validation images after the epoch.", "nats"),
    "validation_accuracy": ("Share of the validation images told right after the (last) epoch.", ""),
    "total_grad_norm": ("Norm of all gradients together before clipping, the median over steps; NaN unclipped.", ""),
    "clipped_grad_norm": ("The same after clipping.", ""),
    "clipped_share": ("Share of the steps that were clipped; NaN without clipping.", ""),
    "seconds": ("How long the run, or its epoch, took.", "s"),
    "source": ("Where the data set's images come from.", ""),
    "image_size": ("The side of the images that the network sees.", "pixels"),
    "options": ("The architecture's options that have no column, as JSON; absent at their defaults.", ""),
    "status": ("completed, diverged (the loss was not finite) or stalled (no better than guessing).", ""),
    "reason": ("Why it diverged or stalled, or could not be explained; else empty.", ""),
    "test_loss": ("Loss of the test images after the last epoch.", "nats"),
    "test_accuracy": ("Share of the test images told right after the last epoch.", ""),
    "mean_loss": ("Training loss, the mean over all steps.", "nats"),
    "loss_jumps": ("Root mean square of the training loss's change from a step to the next.", "nats"),
    "classes": ("How many classes there are.", ""),
    "test_images": ("How many images the test accuracy is of; 0 where none was tested.", ""),
    "parameters": ("How many numbers are trained.", ""),
    "first_layer_weights": ("How many numbers the first layer's weight has.", ""),
    "steps": ("How many updates were made.", ""),
    "filters_before": ("Smoothness of the first filters before training: autocorrelation of neighbours, −1 to 1.", ""),
    "filters_after": ("The same after training.", ""),
    "filters_change": ("The same of what training added to them.", ""),
    "peak_memory_mb": ("Peak memory of the process.", "MiB"),
    "device": ("Where it was trained.", ""),
    "commit": ("The commit of the checkout that made it.", ""),
    "dirty": ("Whether that checkout had changes that are in no commit.", ""),
    "step_ms": ("Time of a training step.", "ms"),
    "study": ("The study, by its name in the configuration.", ""),
    "title": ("The study's title.", ""),
    "arm": ("The number of the arm in its study, from 0 on.", ""),
    "label": ("What people call it.", ""),
    "look": ("How many random seeds an arm has at the look that the run came with.", ""),
    "looks": ("The looks that the study plans, as JSON.", ""),
    "start": ("A hash over what the first backward pass depends on, but for the random seed.", ""),
    "colour": ("The architecture's colour in figures.", ""),
    "beside": ("The layers beside the main path, as JSON.", ""),
    "network": ("The network, as people call it.", ""),
    "channels": ("Channels of the images.", ""),
    "unused": ("Of the parameters those without a gradient.", ""),
    "mflop": ("Arithmetic of one image's forward and backward pass, two operations a multiply-add.", "10⁶ FLOP"),
    "activation_mib": ("Outputs of the layers for one image, and their gradients, in float32.", "MiB"),
    "parameters_full": ("`parameters` at full width.", ""),
    "unused_full": ("`unused` at full width.", ""),
    "mflop_full": ("`mflop` at full width.", "10⁶ FLOP"),
    "activation_mib_full": ("`activation_mib` at full width.", "MiB"),
    "id": ("The claim's name in the claims file.", ""),
    "claims.source": ("Who claims it.", ""),
    "claim": ("What is claimed.", ""),
    "test": ("What the test measures, in words.", ""),
    "rule": ("The region in which it holds.", ""),
    "claims.value": ("The estimate.", "its own"),
    "low": ("The lower end of its 95 % interval.", "as `value`"),
    "high": ("The upper end of its 95 % interval.", "as `value`"),
    "n": ("How many values the estimate is of; 0 for a count, which is exact.", ""),
    "lost": ("How many more values are not finite.", ""),
    "p": ("The p-value by which the outcome was decided, adjusted.", ""),
    "outcome": ("Whether the test holds, fails, finds no effect, or why it is open.", ""),
    "verdict": ("Profile and size at initialisation: vanishing, healthy or exploding, and alive or dead.", ""),
    "claims.verdict": ("The claim's: supported, refuted, mixed or not decided here.", ""),
    "measured": ("log10 of the first layer's gradient over the last's, measured.", "decades"),
    "predicted": ("The same, predicted from one forward pass.", "decades"),
    "pure": ("The same, predicted from choices alone: architecture, initialisation, activation.", "decades"),
    "residual": ("measured − predicted.", "decades"),
    "theory_layers.measured": ("The layer's activation gradient, RMS ‖∂ℓ/∂z‖ per sample.", ""),
    "theory_layers.predicted": ("The same, predicted from one forward pass.", ""),
    "theory_layers.pure": ("The same, predicted from choices alone.", ""),
    "theory_layers.spread": ("Standard deviation from draw to draw that finite width gives the prediction.", "decades"),
    "update": ("‖∂L/∂W‖/‖W‖ of the first layer: its update at a learning rate of 1.", ""),
    "no_rule": ("The operations that theory has no rule for, which are bridged by what is measured.", ""),
    "loss": ("The batch's loss before the update.", "nats"),
    "runs.depth": ("The layers of an mlp or a cifar_resnet; absent in other networks.", "layers"),
    "cost.depth": ("The layers of an mlp or a cifar_resnet; absent in other networks.", "layers"),
    "depth_at_init.depth": ("The layers of the network.", "layers"),
    "decades": ("log10 of the first layer's activation gradient over the last's.", "decades"),
    "per_layer": ("Decades that the gradient gains a layer on its way to the input, by the median slope.", "decades"),
    "spread": ("Standard deviation over layers of log10 ‖W‖·‖∂L/∂W‖.", "decades"),
    "spread_after_one_step": ("The same after one step at a learning rate of 0.1.", "decades"),
    "correlation": ("Correlation of the gradients of two nearby images.", ""),
    "branch_exponent": ("Exponent of the branch's norm over the skip's against the block's number.", ""),
    "share_5_to_17": ("Share of the gradient along paths through 5 to 17 blocks; of 110 layers alone.", ""),
    "weight_variance": ("Variance of the weights times their fan-in.", ""),
    "trainable_depth.depth": ("The layers of the network.", "layers"),
    "correlation_length": ("Layers over which correlations fall to 1/e; infinite at the edge of chaos.", "layers"),
    "gradient_length": ("Layers over which the gradient changes by e; infinite at the edge of chaos.", "layers"),
    "log_norm_variance.depth": ("The layers of the networks.", "layers"),
    "log_norm_variance.width": ("The units of each layer.", ""),
    "draws": ("How many random networks.", ""),
    "inverse_widths": ("Sum over layers of 1 / units.", ""),
    "mean": ("Mean over the draws of ln ‖δ‖².", ""),
    "variance": ("Variance over the draws of ln ‖δ‖².", ""),
    "residual_by_width.width": ("The width multiplier.", ""),
}


def dictionary() -> str:
    """Return the page: a table of columns for each table."""
    parts = [HEAD]
    for name, table in TABLES.items():
        rows = ["| column | type | unit | what it is |", "|---|---|---|---|"]
        for column, kind in table.columns.items():
            meant, unit = meaning(name, column)
            rows.append(f"| `{column}` | {_type(kind)} | {unit} | {meant.replace('|', chr(92) + '|')} |")
        large = " Large: there is no CSV." if table.large else ""
        parts.append(f"## `{name}`\n\nA row is {table.row}.{large}\n\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def meaning(table: str, column: str) -> tuple[str, str]:
    """Return what a column of a table is, and its unit, "" where it has none.

    Raises KeyError for a column that nothing is said of.
    """
    settings = {name: field.description for name, field in Settings.model_fields.items()}
    settings |= {part.name: part.metadata["schema"]["description"] for part in fields(Run) if "schema" in part.metadata}
    if f"{table}.{column}" in MEANINGS:
        return MEANINGS[f"{table}.{column}"]
    if column in CAUSES and CAUSES.keys() <= TABLES[table].columns.keys():
        return f"The part of `predicted` that is owed to: {CAUSES[column]}.", "decades"
    if column in MEANINGS:
        return MEANINGS[column]
    return settings.get(column) or LABELS[column], ""


def _type(kind: type) -> str:
    (base,) = {*(get_args(kind) or (kind,))} - {NoneType}
    said = next(TYPES[one] for one in base.__mro__ if one in TYPES)
    return f"{said}, or absent" if NoneType in get_args(kind) else said


if __name__ == "__main__":
    print(dictionary(), end="")
