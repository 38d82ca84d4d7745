"""Schedules of the learning rate: none, steps, or a cosine, each with a linear warm-up before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gradflow.errors import GradflowError
from gradflow.runs import Run

if TYPE_CHECKING:  # planning needs no torch
    import torch

SCHEDULES = ("none", "step", "cosine")
NEVER = 2**62  # steps; the same for runs of any length, as one goes on from a shorter one's state


def resolve_schedule(settings: Mapping) -> dict:
    """Return a run's `schedule`, of the settings that are given; none is the schedule of steps without a step.

    Raises GradflowError, which begins with the setting, for settings that do not go together.
    """
    name, step_size = settings.get("schedule", Run.schedule), settings.get("step_size", Run.step_size)
    if name != "step" and step_size:
        raise GradflowError(f"step_size: schedule {name} takes none; set it to 0, or the schedule to step.")
    warmup, epochs = settings.get("warmup_epochs", 0), settings["epochs"]
    if warmup > epochs:
        raise GradflowError(f"warmup_epochs is {warmup:g}, more than the {epochs} epochs of the run; lower it.")
    return {"schedule": "step" if name == "none" else name}


def follows_from_all_epochs(run: Run) -> bool:
    """Tell whether a run's learning rates are other ones from the start if it has more epochs."""
    return run.schedule == "cosine"


def make_schedule(
    run: Run, optimizer: torch.optim.Optimizer, steps_per_epoch: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """Return the run's schedule, to be stepped after every step of the optimizer.

    step: the rate times `gamma` every `step_size` epochs, or never with 0. cosine: down to 0 over the run along half a
    cosine (Loshchilov & Hutter 2017, eq. 5, without restarts). `warmup_epochs`: over so many epochs the rate grows
    linearly, as a factor on the rest, from its first step's share to all of it (Goyal et al. 2017, section 2.2).
    """
    from torch.optim.lr_scheduler import ChainedScheduler, CosineAnnealingLR, LinearLR, StepLR

    warmup = round(run.warmup_epochs * steps_per_epoch)
    schedules = []
    if warmup > 1:  # before the others, which see the rates that it begins with
        schedules.append(LinearLR(optimizer, 1 / warmup, total_iters=warmup - 1))
    if run.schedule == "cosine":
        schedules.append(CosineAnnealingLR(optimizer, run.epochs * steps_per_epoch))
    else:
        schedules.append(StepLR(optimizer, run.step_size * steps_per_epoch or NEVER, run.gamma))
    return ChainedScheduler(schedules, optimizer) if len(schedules) > 1 else schedules[0]
