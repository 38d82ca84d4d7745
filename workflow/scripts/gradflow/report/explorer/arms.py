"""What the explorer shows: arms, each with its runs, as arrays."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

FIRST = 10  # steps that are always there
ENOUGH = 256  # steps beside them that any picture has room for
# What is shown, in this order, with its label in recorder.quantities.
SHOWN = ("grad_sample_norm", "weight_grad_norm", "update_ratio", "relative_gradient")
THEORY = ("predicted", "pure", "spread")  # of propagation.explain, at init: norms, and decades of one deviation


@dataclass(frozen=True)
class ExploredRun:
    """A run of an arm, at some of its steps.

    places: which of all its `count` steps these are, as `kept_places` has them. steps: their numbers, [steps]. values:
    {quantity: [steps, layers]}, phases: {phase: {quantity: [layers]}}, in the order of the arm's layers. loss: [steps],
    or None. Accuracies are NaN where there is none.
    """

    name: str
    seed: int | None
    count: int
    places: np.ndarray
    steps: np.ndarray
    values: dict[str, np.ndarray]
    phases: dict[str, dict[str, np.ndarray]]
    loss: np.ndarray | None = None
    status: str = ""
    reason: str = ""
    test_accuracy: float = np.nan
    train_accuracy: float = np.nan


@dataclass(frozen=True)
class Judgement:
    """What is said of an arm at a phase: the decades of the first layer over the last with their interval, in words."""

    verdict: str
    decades: float
    low: float = np.nan
    high: float = np.nan
    n: int = 1


@dataclass(frozen=True)
class ExploredArm:
    """An arm, under every name that it has.

    layers: in forward order. beside: those beside the main path. judgements: {phase: what is said of it}. theory: {name
    of THEORY: [layers]}, NaN where there is none. settings: what sets it apart. chance: the accuracy of guessing.
    """

    label: str
    layers: list[str]
    runs: list[ExploredRun]
    judgements: dict[str, Judgement]
    aliases: list[str] = field(default_factory=list)
    studies: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    theory: dict[str, np.ndarray] = field(default_factory=dict)
    settings: dict = field(default_factory=dict)
    chance: float = np.nan


def shown_steps(count: int, every: int) -> np.ndarray:
    """Return which of so many steps are shown: the first ten, every `every`th, and the last."""
    return np.unique([*range(min(FIRST, count)), *range(0, count, every), *([count - 1] if count else [])]).astype(int)


def finest(count: int) -> int:
    """Return the power of two of which every multiple is worth keeping of so many steps."""
    return 1 << max(0, (count - 1).bit_length() - ENOUGH.bit_length() + 1)


def kept_places(count: int) -> np.ndarray:
    """Return which of so many steps are kept in memory: a long training has more of them than anybody looks at."""
    return shown_steps(count, finest(count))


def quantities_of(arms: Iterable[ExploredArm]) -> list[str]:
    """Return the quantities that any run has, in the order in which they are shown."""
    there = {name for arm in arms for run in arm.runs for name in (*run.values, *(run.phases.get("init") or ()))}
    return [name for name in SHOWN if name in there] + sorted(there - set(SHOWN))
