"""Packing arms into few bytes: exact numbers of the phases, and one byte for each value of a step.

The bytes are those that explorer/data.js reads, in the same order: the length of a JSON head (uint32), the head, and
for each arm its theory (float32 [3, layers]) and for each of its runs the phases (float32 [phases, quantities,
layers]), the loss (uint16 [steps]) and the steps (uint8 [quantities, steps, layers]). Numbers are little-endian.
"""

import base64
import gzip
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from gradflow.errors import GradflowError
from gradflow.labels import SHOWN_PHASES
from gradflow.recorder.quantities import LABELS
from gradflow.report.explorer.arms import THEORY, ExploredArm, ExploredRun, finest, quantities_of, shown_steps

LOSS_STEP = 1e-4  # decades


@dataclass(frozen=True)
class Thinning:
    """What is left out: all steps but the first ten, every `every`th and the last, and all but `seeds` runs of an arm.

    Long runs leave out more of their steps (`arms.finest`).

    decades: two values of a step that differ by less may look alike.
    """

    every: int
    decades: float = 0.05
    seeds: int | None = None


# From all that is worth looking at to the least, until the page is small enough.
LADDER = (
    Thinning(2),
    Thinning(2, 0.1),
    *(Thinning(every, 0.1) for every in (4, 8, 16)),
    *(Thinning(16, 0.1, seeds) for seeds in (5, 3, 2, 1)),
    *(Thinning(every, 0.1, 1) for every in (64, 1 << 30)),
)


def encode(values: np.ndarray, decades: float, kind: type = np.uint8) -> tuple[np.ndarray, float, float]:
    """Return log10 of values as whole numbers, the smallest log10, and the decades from one number to the next.

    These are `decades`, or as many more as it takes for all values to have a number. 0 says zero, the largest of `kind`
    not finite or below zero; a value is low + step · (number − 1), and half a step off at most.
    """
    values = np.asarray(values, np.float64)
    known = np.isfinite(values) & (values > 0)
    logs = np.log10(values[known])
    low, high = (float(logs.min()), float(logs.max())) if known.any() else (0.0, 0.0)
    largest = np.iinfo(kind).max
    step = max(decades, (high - low) / (largest - 2))
    codes = np.where(values == 0, 0, largest)
    codes[known] = 1 + np.rint((logs - low) / step)
    return codes.astype(kind), low, step


def pack(arms: Sequence[ExploredArm], thinning: Thinning) -> str:
    """Return the arms, thinned, as base64 of gzip. Raises GradflowError if there is nothing to show."""
    if not any(arm.runs for arm in arms):
        raise GradflowError("explorer: there are no runs to show.")
    quantities = quantities_of(arms)
    parts, heads, coarsest = [], [], 0.0
    for arm in arms:
        head, content, coarse = _pack_arm(arm, quantities, thinning)
        heads.append(head)
        parts += content
        coarsest = max(coarsest, coarse)
    head = {
        "quantities": [{"name": name, "label": LABELS.get(name, name)} for name in quantities],
        "phases": SHOWN_PHASES,
        "thinning": asdict(thinning),
        "coarsest": coarsest,
        "longest": max(run.count for arm in arms for run in arm.runs),
        "most": max(len(arm.runs) for arm in arms),
        "arms": heads,
    }
    told = json.dumps(_as_json(head), separators=(",", ":"), allow_nan=False).encode()
    whole = b"".join((np.array(len(told), "<u4").tobytes(), told, *parts))
    return gzipped(whole)


def gzipped(content: bytes) -> str:
    """Return the base64 of the gzip of some bytes: what explorer/data.js unpacks."""
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


def _pack_arm(arm: ExploredArm, quantities: list[str], thinning: Thinning) -> tuple[dict, list[bytes], float]:
    """The head of an arm, its bytes, and the decades of its coarsest step."""
    parts = [_floats([arm.theory[name] for name in THEORY])] if arm.theory else []
    runs, coarsest = [], 0.0
    for run in arm.runs[: thinning.seeds]:
        head, content, coarse = _pack_run(run, quantities, len(arm.layers), thinning)
        runs.append(head)
        parts += content
        coarsest = max(coarsest, coarse)
    head = {name: getattr(arm, name) for name in ("label", "layers", "aliases", "studies", "beside", "settings")}
    head |= {"chance": arm.chance, "theory": bool(arm.theory), "runs": runs, "all": len(arm.runs)}
    return head | {"judgements": {phase: asdict(said) for phase, said in arm.judgements.items()}}, parts, coarsest


def _pack_run(
    run: ExploredRun, quantities: list[str], layers: int, thinning: Thinning
) -> tuple[dict, list[bytes], float]:
    every = max(thinning.every, finest(run.count))
    shown = np.isin(run.places, shown_steps(run.count, every))
    nothing = np.full(layers, np.nan)
    phases = [phase for phase in SHOWN_PHASES if phase in run.phases]
    parts = [_floats([run.phases[phase].get(name, nothing) for phase in phases for name in quantities])]
    head = {
        name: getattr(run, name) for name in ("name", "seed", "status", "reason", "test_accuracy", "train_accuracy")
    }
    head |= {"phases": phases, "steps": run.steps[shown].tolist(), "all": run.count, "scales": {}, "every": every}
    if run.loss is not None:
        codes, *head["loss"] = encode(run.loss[shown], LOSS_STEP, np.uint16)
        parts.append(codes.astype("<u2").tobytes())
    for name in quantities:
        if name in run.values:
            codes, *head["scales"][name] = encode(run.values[name][shown], thinning.decades)
            parts.append(codes.tobytes())
    return head, parts, max((step for _, step in head["scales"].values()), default=0.0)


def _floats(rows: list[np.ndarray]) -> bytes:
    return np.asarray(rows, dtype="<f4").tobytes()


def _as_json(value):
    """What JSON can hold: NaN as nothing, infinities as the words that JavaScript reads as such."""
    if isinstance(value, dict):
        return {str(name): _as_json(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_as_json(part) for part in value]
    if not isinstance(value, float | np.floating):
        return value
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return None if math.isnan(value) else float(value)
