"""The tables: what a row of each is, and of which type each column. `gradflow.analysis.tables` writes and reads them,
`gradflow.analysis.dictionary` says what each column means.

A type is Python's, `X | None` where a value may be absent, or one of numpy's where a table is large. A NaN of a column
of numbers is a value that could not be measured. New settings of a run and new quantities have their columns by being
in `gradflow.runs.Run` and in `gradflow.recorder.quantities`.
"""

from dataclasses import dataclass, field
from typing import get_type_hints

import numpy as np

from gradflow.causes import CAUSES
from gradflow.recorder.quantities import NAMES, PROFILED
from gradflow.runs import MODEL_OPTIONS, Run
from gradflow.training.result import PER_EPOCH


class Key(str):
    """A text that many rows share: a file holds it once."""


@dataclass(frozen=True)
class Table:
    """A table: what a row is, its columns and their types in order, and whether it is too large for a CSV beside it.

    earlier: names that earlier versions gave its file; renamed: {name that they gave a column: its name}.
    """

    row: str
    columns: dict[str, type]
    large: bool = False
    earlier: tuple[str, ...] = ()
    renamed: dict[str, str] = field(default_factory=dict)


# The settings of a run as columns; options are JSON, and absent where there are none.
SETTINGS = {name: str | None if kind is dict else kind for name, kind in get_type_hints(Run).items()}
# What a row of `runs` says beside the run's settings.
OUTCOMES = {
    "status": Key,
    "reason": str,
    "test_loss": float,
    "test_accuracy": float,
    "train_accuracy": float,
    "validation_accuracy": float,
    "mean_loss": float,
    "loss_jumps": float,
    "classes": int,
    "test_images": int,
    "parameters": int,
    "first_layer_weights": int,
    "steps": int,
    "filters_before": float,
    "filters_after": float,
    "filters_change": float,
    "seconds": float,
    "peak_memory_mb": float,
    "device": str | None,
    "commit": str | None,
    "dirty": bool | None,
    "step_ms": float,
}
# What a row of `cost` is about, and what is counted there exactly: with _full, at full width.
NETWORK = ("architecture", *MODEL_OPTIONS, "options", "image_size", "classes", "optimizer", "channels")
COUNTED = {"parameters": int, "unused": int, "mflop": float, "activation_mib": float}
# What an explanation (gradflow.propagation.explain) says of a network as a whole: decades, first layer over last, and
# what the causes add to them; the first layer's update at a learning rate of 1; the names of operations without a rule;
# and why a network could not be explained.
EXPLAINED = dict.fromkeys(("measured", "predicted", "pure", "residual", *CAUSES, "update"), float) | {
    "verdict": Key,
    "no_rule": str,
    "reason": str,
}

TABLES = {
    "norms": Table(
        "a layer at a step of a run",
        {"run": Key, "seed": np.int32, "epoch": np.int32, "step": np.int32, "layer": Key, "depth": np.int32}
        | dict.fromkeys(NAMES, np.float32),
        large=True,
    ),
    "layers": Table(
        "a layer over a stretch of training of a run",
        {"run": Key, "time": float, "layer": Key, "depth": np.int32} | dict.fromkeys(PROFILED, float),
        large=True,
    ),
    "profiles": Table(
        "a quantity of a layer at a phase of a run",
        {"run": Key, "phase": Key, "quantity": Key, "layer": Key, "depth": np.int32, "value": float},
        renamed={"moment": "phase"},
    ),
    "epochs": Table(
        "an epoch of a run",
        {"run": Key, "epoch": np.int32}
        | dict.fromkeys(PER_EPOCH, float)
        | {"seconds": float}
        # with gradient_clipping: of all gradients together, the medians over steps of the norm before and after; how
        # many of the steps were clipped
        | dict.fromkeys(("total_grad_norm", "clipped_grad_norm", "clipped_share"), float),
    ),
    "runs": Table("a run: settings, outcome, how it was made", {"run": str} | SETTINGS | OUTCOMES),
    "arms": Table(
        "a run in an arm of a study",
        {
            "study": Key,
            "title": Key,
            "arm": int,
            "label": Key,
            "run": str,
            "seed": int,
            "look": int,
            "looks": str,
            "start": Key,
            "colour": Key,
            "beside": str,
        },
    ),
    "cost": Table(
        "a network with an optimizer",
        {"network": str}
        | {name: SETTINGS.get(name, int) for name in NETWORK}
        | COUNTED
        | {f"{name}_full": kind for name, kind in COUNTED.items()}
        | {"step_ms": float, "peak_memory_mb": float, "device": str},
    ),
    "claims": Table(
        "a test of a claim",
        dict.fromkeys(("id", "source", "claim", "test", "rule"), str)
        | {"value": float, "low": float, "high": float, "n": int, "lost": int, "p": float}
        | {"outcome": str, "verdict": Key},
        renamed={"seeds": "n"},
    ),
    "first_backward": Table(
        "a quantity of a layer at the first backward pass of a start and a random seed",
        {"start": Key, "seed": int, "layer": Key, "depth": np.int32, "quantity": Key, "value": float},
        earlier=("initial.csv",),
    ),
    "theory": Table(
        "the explanation of the first backward pass of a start and a random seed",
        {"start": Key, "seed": int} | EXPLAINED,
    ),
    "theory_layers": Table(
        "a layer of such an explanation",
        {"start": Key, "seed": int, "layer": Key, "depth": np.int32}
        | dict.fromkeys(("measured", "predicted", "pure", "spread"), float),
    ),
    "initial_survey": Table(
        "the explanation of an architecture under an initialisation with a random seed",
        {"architecture": Key, "label": Key, "init": Key, "seed": int, "image_size": int} | EXPLAINED,
    ),
    "alignment": Table(
        "the explanation of a network in training, before an update",
        {"architecture": Key, "label": Key, "seed": int, "step": int}
        | dict.fromkeys(("loss", "measured", "predicted", "residual"), float),
    ),
    "depth_at_init": Table(
        "a network at initialisation with a random seed",
        {"depth": int, "skip": bool, "batch_norm": bool, "seed": int}
        | dict.fromkeys(("decades", "per_layer", "spread", "spread_after_one_step"), float)
        | dict.fromkeys(("correlation", "branch_exponent", "share_5_to_17"), float),
        earlier=("probes.csv",),
    ),
    "trainable_depth": Table(
        "a tanh network with a random seed, trained",
        {"weight_variance": float, "depth": int, "seed": int}
        | dict.fromkeys(("correlation_length", "gradient_length", "train_accuracy"), float),
    ),
    "log_norm_variance": Table(
        "random ReLU networks of a width and depth",
        {"width": int, "depth": int, "draws": int} | dict.fromkeys(("inverse_widths", "mean", "variance"), float),
    ),
    "residual_by_width": Table(
        "a network of a width with a random seed",
        {"network": Key, "width": float, "seed": int} | dict.fromkeys(("measured", "predicted", "residual"), float),
    ),
}
