"""The newest row of a recorder in the tools that people watch trainings with; none of them is imported here."""

from collections.abc import Iterable

import numpy as np

from gradflow.errors import GradflowError
from gradflow.recorder.so_far import SoFar

SHOWN = ("grad_sample_norm", "weight_grad_norm", "update_ratio")


def scalars(recorder: SoFar, quantities: Iterable[str] = SHOWN) -> dict[str, float]:
    """Return {"quantity/layer": value} of the newest row, without what is not known; this waits for the device.

    The update ratio of a row is known once the next step's forward pass has run: it is that of the row as it is now.

    Raises GradflowError for a quantity that is not recorded, and if there is no row yet.
    """
    row, layers = recorder.last(), recorder.layers
    unknown = [name for name in quantities if name not in row]
    if unknown:
        raise GradflowError(f"scalars: {unknown[0]!r} is not recorded; there are {', '.join(row)}.")
    found = {f"{name}/{layer}": float(row[name][i]) for name in quantities for i, layer in enumerate(layers)}
    return {name: value for name, value in found.items() if not np.isnan(value)}


def to_tensorboard(recorder: SoFar, writer, step: int, quantities: Iterable[str] = SHOWN) -> None:
    """Add the newest row to a `torch.utils.tensorboard.SummaryWriter`."""
    for name, value in scalars(recorder, quantities).items():
        writer.add_scalar(name, value, step)


def to_wandb(recorder: SoFar, run, step: int | None = None, quantities: Iterable[str] = SHOWN) -> None:
    """Log the newest row to a Weights & Biases run, or to the module `wandb` itself."""
    run.log(scalars(recorder, quantities), step=step)


def to_mlflow(recorder: SoFar, client, step: int, quantities: Iterable[str] = SHOWN) -> None:
    """Log the newest row to the active run of the module `mlflow`."""
    client.log_metrics(scalars(recorder, quantities), step=step)
