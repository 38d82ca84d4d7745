"""One plain training loop, with the notebooks' settings as arguments and a recorder on every layer."""

import math
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_
from tqdm import tqdm

from gradflow.builders import load_builder
from gradflow.data.store import Dataset
from gradflow.models.build import build
from gradflow.models.catalogue import Architecture
from gradflow.recorder.layers import NORMS, layers_as_records
from gradflow.recorder.quantities import derivation
from gradflow.recorder.recorder import GradientRecorder
from gradflow.runs import Run
from gradflow.training.device import autocast, number_type
from gradflow.training.evaluation import evaluate
from gradflow.training.memory_format import as_trained, hindrance, is_dense, naming_views, set_memory_format
from gradflow.training.optimizers import OPTIMIZERS
from gradflow.training.result import Result
from gradflow.training.schedules import make_schedule
from gradflow.training.state import NoCheckpoint, Progress, on_host
from gradflow.training.status import guessing_loss, judge
from gradflow.training.task import training_batches, training_loss


def train(
    run: Run,
    dataset: Dataset,
    device: torch.device | str = "cpu",
    weights: Path | None = None,
    checkpoint: NoCheckpoint | None = None,
    architecture: Architecture | None = None,
    record: Iterable[str] = (),
    memory_format: str = "contiguous",
) -> Result:
    """Train one run and return its result; a run that diverges is returned too, with what it measured.

    The random seed sets the weights, the order of the images and the dropout, in this order. Nothing waits for the
    device between the first and the last step of an epoch, but for a checkpoint that is due.

    Parameters
    ----------
    run : all that makes the run what it is scientifically.
    dataset : prepared images, uint8 [N, C, H, W], with labels and splits.
    device : where to train.
    weights : the file of pretrained weights, for a run whose init is "pretrained".
    checkpoint : where the run is kept while it trains, and resumed from; without, it starts at its beginning.
    architecture : the run's, if the catalogue does not have it.
    record : quantities to measure on request.
    memory_format : of convolutions, "contiguous" or "channels_last"; a run that is resumed keeps its own.

    Returns
    -------
    The arrays of docs/file-format.md, the scientific meta data, and where and how fast it ran.

    Raises
    ------
    GradflowError : a signal that the checkpoint listens to stopped the run; a network that needs contiguous tensors.

    Examples
    --------
        run = Run("resnet18", "digits", "digits", 32, seed=0, width=0.125, epochs=2)
        result = train(run, load_dataset("results/data/digits"))
        result["grad_sample_norm"]          # [steps, layers]
    """
    started = time.perf_counter()
    device, checkpoint = torch.device(device), checkpoint or NoCheckpoint()
    torch.manual_seed(run.seed)
    shape = {"classes": len(dataset.classes), "channels": dataset.images.shape[1], "image_size": run.image_size}
    entry = architecture or run.architecture
    model = build(entry, init=run.init, weights=weights, **shape, **run.model_options).to(device)
    if run.precision == "fp64":
        model.double()
    wanted, memory_format = memory_format, set_memory_format(model, memory_format)
    if memory_format != wanted:
        tqdm.write(f"{run.id} trains {memory_format}, not {wanted}: {hindrance(model)}.")
    optimizer = make_optimizer(run, model)
    total = math.ceil((len(dataset.indices("train")) - 1) / run.batch_size)  # a last batch of one image is left out
    schedule = make_schedule(run, optimizer, total)
    with GradientRecorder(model, record=record) as recorder:
        filters = first_filters(model)
        progress = Progress(run, model, optimizer, schedule, recorder, filters, total, started, memory_format)
        checkpoint.resume(progress, dataset, weights)
        poll = partial(checkpoint.poll, progress)
        while not progress.over:
            model.train()
            done = len(progress.losses)
            order = training_batches(run, dataset, device, progress.shuffle, done)
            name = f"{run.id} {progress.epoch + 1}/{run.epochs}"
            for images, labels in tqdm(order, name, total, initial=done, leave=False, disable=None):
                logits, loss = forward_backward(run, model, optimizer, images, labels, progress.memory_format)
                recorder.step()  # before clipping, which may leave nothing of a gradient
                if run.gradient_clipping:
                    progress.norms.append(clip_grad_norm_(model.parameters(), run.gradient_clipping))
                optimizer.step()
                progress.rates.append(schedule.get_last_lr()[0])
                schedule.step()
                progress.losses.append(loss)
                progress.correct += (logits.argmax(1) == labels).sum()
                poll()
            losses = on_host(progress.losses)  # the epoch's one wait for the device
            training_seconds = progress.seconds_of_epoch
            sizes = recorder.batch_sizes[-len(losses) :]
            validation_loss, validation_accuracy, _ = evaluate(progress, dataset, "validation", poll)
            train_accuracy = progress.correct.item() / sizes.sum()
            figures = (np.average(losses, weights=sizes), train_accuracy, validation_loss, validation_accuracy)
            progress.end_epoch(losses, figures, training_seconds)
            tqdm.write(_epoch_line(progress))
            checkpoint.save(progress)
        test_loss, test_accuracy, confusion = evaluate(progress, dataset, "test", poll)
    return _result(progress, dataset, test_loss, test_accuracy, confusion)


def make_optimizer(run: Run, model: nn.Module) -> torch.optim.Optimizer:
    """Return the run's optimizer over all parameters of the model."""
    chosen = OPTIMIZERS[run.optimizer]
    settings = {name: getattr(run, name) for name in ("momentum", "weight_decay") if name in chosen.settings}
    settings |= run.optimizer_options
    if all(parameter.is_floating_point() and is_dense(parameter) for parameter in model.parameters()):
        settings |= chosen.fixed
    parameters = model.parameters()
    if run.decay_weights_only:
        parameters = decay_groups(model)
    return load_builder(chosen.kind)(parameters, lr=run.learning_rate, **settings)


def decay_groups(model: nn.Module) -> list[dict]:
    """Return a model's parameters in two groups for an optimizer: those that decay, and those that do not.

    What decays are parameters of two dimensions and more that are no norm's: no bias, scale or shift does.
    """
    of_norms = {id(p) for module in model.modules() if isinstance(module, NORMS) for p in module.parameters(False)}
    groups: dict[bool, list] = {True: [], False: []}
    for parameter in model.parameters():
        groups[parameter.dim() > 1 and id(parameter) not in of_norms].append(parameter)
    return [{"params": groups[True]}, {"params": groups[False], "weight_decay": 0.0}]


def forward_backward(
    run: Run,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: torch.Tensor,
    labels: torch.Tensor,
    memory_format: str,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Leave the gradients of a batch, images [B, C, H, W] and labels int64 [B], in the weights.

    Returns (logits [B, classes], the mean loss), without their graph.
    """
    images = as_trained(images, memory_format, number_type(run.precision))
    with autocast(run.precision, images.device), naming_views(run.id, memory_format):
        logits = model(images)
        loss = training_loss(run, logits, labels)
    optimizer.zero_grad()
    loss.backward()
    return logits.detach(), loss.detach()


def first_filters(model: nn.Module) -> torch.Tensor | None:
    """Return a copy of the first convolution's weights, float32 [filters, channels, k, k]; None if there is none."""
    first = next((module for module in model.modules() if isinstance(module, nn.Conv2d)), None)
    return None if first is None else first.weight.detach().cpu().float().clone(memory_format=torch.contiguous_format)


def _result(
    progress: Progress, dataset: Dataset, test_loss: float, test_accuracy: float, confusion: np.ndarray
) -> Result:
    run, model, recorder = progress.run, progress.model, progress.recorder
    arrays = {name: array for name, array in recorder.norms().items() if not derivation(name)}
    arrays |= {f"layer_{field}": np.array(values) for field, values in layers_as_records(recorder.table).items()}
    arrays |= _step_arrays(progress.steps, recorder.batch_sizes) | _epoch_arrays(progress.epochs)
    if run.gradient_clipping:
        arrays |= _clipping_arrays(arrays, np.array(progress.total_norms), run.gradient_clipping)
    arrays |= {"test_loss": np.float64(test_loss), "test_accuracy": np.float64(test_accuracy)}
    if progress.filters_before is not None:
        arrays |= {"filters_before": progress.filters_before.numpy(), "filters_after": first_filters(model).numpy()}
    arrays |= {"confusion_matrix": confusion}
    status, reason = judge(arrays, guessing_loss(dataset))
    meta = {
        "run": run.id,
        "settings": run.settings,
        "status": status,
        "reason": reason,
        "reduction": "mean",
        "dataset_fingerprint": dataset.fingerprint,
        "classes": list(dataset.classes),
        "memory_format": progress.memory_format,
        "parameters": sum(p.numel() for p in model.parameters()),
    }
    return Result({name: np.asarray(array) for name, array in arrays.items()}, meta, progress.provenance())


def _step_arrays(steps: list[tuple], batch_sizes: np.ndarray) -> dict[str, np.ndarray]:
    epoch, loss, learning_rate = (np.array(column) for column in zip(*steps))
    return {
        "step": np.arange(len(steps), dtype=np.int64),
        "epoch": epoch.astype(np.int64),
        "batch_size": batch_sizes,
        "loss": loss.astype(np.float64),
        "learning_rate": learning_rate.astype(np.float64),
    }


def _clipping_arrays(arrays: dict, total_norms: np.ndarray, most: float) -> dict[str, np.ndarray]:
    """The norm of all gradients before each step's clipping, what they were multiplied by, as torch clips, and of what
    is in `arrays` that which is of clipped gradients.
    """
    factor = np.minimum(1.0, most / (total_norms + 1e-6))
    clipped = {name: arrays[name] for name in arrays if name == "applied_grad_norm"}
    clipped = {name: (norms * factor[:, None]).astype(norms.dtype) for name, norms in clipped.items()}
    return {"total_grad_norm": total_norms, "clip_factor": factor} | clipped


def _epoch_arrays(epochs: list[tuple]) -> dict[str, np.ndarray]:
    names = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
    return {name: np.array(column, dtype=np.float64) for name, column in zip(names, zip(*epochs))}


def _epoch_line(progress: Progress) -> str:
    loss, accuracy, validation_loss, validation_accuracy = progress.epochs[-1]
    return (
        f"epoch {progress.epoch}/{progress.run.epochs}  train loss {loss:.4f} accuracy {accuracy:.3f}  "
        f"validation loss {validation_loss:.4f} accuracy {validation_accuracy:.3f}  {progress.epoch_seconds[-1]:.1f} s"
    )
