"""How far a training run has come: all that the coming steps depend on, and all that was measured so far."""

import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from gradflow.data.store import Dataset
from gradflow.errors import GradflowError
from gradflow.recorder.recorder import GradientRecorder
from gradflow.runs import Run
from gradflow.training.memory_format import set_memory_format

TIMES = ("epoch_seconds", "training_seconds", "resumed_at")
HISTORY = ("epoch", "steps", "total_norms", "epochs", "rates", *TIMES)  # plain values


class Progress:
    """The state of a run between any two of its steps.

    epoch: the epoch under way, from 0; losses: its batches' losses so far, and norms: those of all gradients together
    before each was clipped, if they are, 0-d on the device; rates: their learning rates; correct: its right answers so
    far, 0-d on the device. Of all steps of finished epochs, `steps` has (epoch, loss, learning rate), `total_norms`
    what `norms` had; of all finished epochs, `epochs` has (training loss and accuracy, validation loss and accuracy),
    `epoch_seconds` and `training_seconds` their durations. resumed_at: the steps at which the run was resumed.
    started: when it began, as `time.perf_counter` has it. memory_format: in which the model trains.
    """

    def __init__(
        self,
        run: Run,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
        recorder: GradientRecorder,
        filters_before: torch.Tensor | None,
        steps_per_epoch: int,
        started: float,
        memory_format: str,
    ):
        self.run, self.model, self.optimizer, self.schedule = run, model, optimizer, schedule
        self.recorder, self.filters_before, self.memory_format = recorder, filters_before, memory_format
        self.device = next(model.parameters()).device
        self.all_steps = run.epochs * steps_per_epoch
        self.shuffle = torch.Generator().manual_seed(run.seed)
        self.epoch = 0
        self.steps, self.total_norms, self.epochs = [], [], []
        self.epoch_seconds, self.training_seconds, self.resumed_at = [], [], []
        self._started = started
        self._start_epoch()

    @property
    def step(self) -> int:
        """How many steps are done."""
        return len(self.steps) + len(self.losses)

    @property
    def over(self) -> bool:
        """Whether all epochs are done, or one that diverged."""
        return self.epoch == self.run.epochs or (bool(self.epochs) and not math.isfinite(self.epochs[-1][0]))

    @property
    def seconds_of_epoch(self) -> float:
        """The seconds that the epoch under way has taken, those before the run was resumed included."""
        return time.perf_counter() - self._epoch_started

    def end_epoch(self, losses: np.ndarray, figures: tuple[float, ...], training_seconds: float) -> None:
        """Close the epoch under way, with its batches' losses [steps] and `epochs`' four figures."""
        self.steps += [(self.epoch, loss, rate) for loss, rate in zip(losses.tolist(), self.rates)]
        self.total_norms += on_host(self.norms).tolist()
        self.epochs.append(tuple(float(figure) for figure in figures))
        self.training_seconds.append(training_seconds)
        self.epoch_seconds.append(self.seconds_of_epoch)
        self.epoch += 1
        self._start_epoch()

    def provenance(self) -> dict:
        """Return how long the run took, over all its parts, and where it was resumed."""
        return {name: getattr(self, name) for name in TIMES} | {"seconds": time.perf_counter() - self._started}

    def state(self) -> dict:
        """Return everything as tensors and plain values, which are the live ones: save them before the next step."""
        state = {name: getattr(self, name) for name in HISTORY} | {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "recorder": self.recorder.state(),
            "filters_before": self.filters_before,
            "memory_format": self.memory_format,
            "losses": torch.stack(self.losses) if self.losses else torch.empty(0),
            "norms": torch.stack(self.norms) if self.norms else torch.empty(0),
            "correct": self.correct,
            "order": self._order,
            "random": torch.get_rng_state(),
            "seconds": (time.perf_counter() - self._started, self.seconds_of_epoch),
        }
        return state | ({"cuda_random": torch.cuda.get_rng_state(self.device)} if self.device.type == "cuda" else {})

    def restore(self, state: dict) -> None:
        """Take the run to where `state` was returned.

        The model then is in the memory format that it was in. Raises GradflowError, and changes nothing, if that was a
        run of a model with other layers.
        """
        ours, self.memory_format = self.memory_format, set_memory_format(self.model, state["memory_format"])
        try:
            self.recorder.restore(state["recorder"])  # it reads the weights in their order
        except GradflowError:
            self.memory_format = set_memory_format(self.model, ours)
            raise
        for part in ("model", "optimizer", "schedule"):
            getattr(self, part).load_state_dict(state[part])
        self.optimizer._opt_called = True  # or the schedule warns, where no step is left in the epoch
        for name in HISTORY:
            setattr(self, name, state[name])
        self.filters_before = state["filters_before"]
        self.losses, self.norms = (list(state[name].to(self.device)) for name in ("losses", "norms"))
        self.correct = state["correct"].to(self.device)
        self._order = state["order"]
        self.shuffle.set_state(self._order)
        torch.set_rng_state(state["random"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda_random"], self.device)
        seconds, seconds_of_epoch = state["seconds"]
        self._started, self._epoch_started = self._started - seconds, time.perf_counter() - seconds_of_epoch
        self.resumed_at = [*self.resumed_at, self.step]

    def _start_epoch(self) -> None:
        self.losses, self.norms, self.rates, self.correct = [], [], [], torch.zeros((), device=self.device)
        self._order = self.shuffle.get_state()  # what the epoch's order of images is drawn from
        self._epoch_started = time.perf_counter()


def on_host(scalars: list[torch.Tensor]) -> np.ndarray:
    """Return 0-d tensors as float64 [steps]; this waits for their device."""
    return torch.stack(scalars).double().cpu().numpy() if scalars else np.empty(0)


class NoCheckpoint:
    """Where a run is kept between its steps: nowhere. `gradflow.training.checkpoint.Checkpoint` keeps it in a file."""

    def resume(self, progress: Progress, dataset: Dataset, weights: Path | None) -> None:
        """Start at the beginning."""

    def poll(self, progress: Progress) -> None:
        """Go on."""

    def save(self, progress: Progress) -> None:
        """Go on."""
