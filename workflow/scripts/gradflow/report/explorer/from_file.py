"""The arm of one file: a recording that a recorder saved, or the numbers of `gradflow profile`."""

import json
from pathlib import Path

import numpy as np

from gradflow.analysis.profiles import phase_rows
from gradflow.errors import GradflowError
from gradflow.labels import SHOWN_PHASES
from gradflow.propagation.explanation import profile_of
from gradflow.recorder.recording import Recording
from gradflow.report.explorer.arms import THEORY, ExploredArm, ExploredRun, Judgement, kept_places


def arm_of_file(path: Path) -> ExploredArm:
    """Return what a file holds as an arm. Raises GradflowError for a file that is neither."""
    path = Path(path)
    if path.suffix != ".json":
        return arm_of_recording(Recording.load(path), path.stem)
    try:
        return arm_of_explanation(json.loads(path.read_text(encoding="utf-8")), path.stem)
    except FileNotFoundError:
        raise GradflowError(f"{path} does not exist.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise GradflowError(
            f"{path} is not what gradflow profile --json wrote ({type(error).__name__}: {error})."
        ) from None


def arm_of_recording(recording: Recording, label: str) -> ExploredArm:
    """Return a recording as an arm of one run. A phase is the median over its steps; one that was missed is left out.

    Raises GradflowError for a recording without a step.
    """
    if not len(recording.steps):
        raise GradflowError(f"{label}: the recording holds no step.")
    order = [column for column in np.argsort([one.depth for one in recording.table], kind="stable")]
    order = [column for column in order if recording.table[column].depth >= 0]
    values = {name: np.asarray(array)[:, order] for name, array in recording.norms.items()}
    rows_of = phase_rows(len(recording.steps), "completed")
    first = {"init": 0, "one_step": 1}
    phases = {
        phase: {name: np.median(array[rows_of[phase]], axis=0) for name, array in values.items()}
        for phase in SHOWN_PHASES
        if len(rows_of[phase])
        and recording.steps[rows_of[phase][0]] == first.get(phase, recording.steps[rows_of[phase][0]])
    }
    places = kept_places(len(recording.steps))
    kept = {name: array[places] for name, array in values.items()}
    run = ExploredRun(label, None, len(recording.steps), places, recording.steps[places], kept, phases)
    layers = [recording.layers[column] for column in order]
    judgements = {}
    for phase, of in phases.items():
        ends = of.get("grad_sample_norm", np.array([np.nan]))[[0, -1]]
        judgements[phase] = _judged(float(ends[0]), float(ends[1]))
    return ExploredArm(label, layers, [run], judgements)


def arm_of_explanation(told: dict, label: str) -> ExploredArm:
    """Return an explanation, as its `to_dict` tells it, as an arm that is at init."""
    layers = told["layers"]
    measured = _numbers(layers, "measured")
    theory = {name: _numbers(layers, name) for name in THEORY}
    run = ExploredRun(label, None, 0, np.arange(0), np.arange(0), {}, {"init": {"grad_sample_norm": measured}})
    decades = told["decades"]["measured"]
    said = Judgement(told["verdict"], np.nan if decades is None else decades, n=told["seeds"])
    return ExploredArm(label, [layer["name"] for layer in layers], [run], {"init": said}, theory=theory)


def _numbers(layers: list[dict], name: str) -> np.ndarray:
    return np.array([np.nan if layer[name] is None else layer[name] for layer in layers], dtype=float)


def _judged(first: float, last: float) -> Judgement:
    """What the two ends of a profile say."""
    if not (np.isfinite(last) and last > 0 and np.isfinite(first)):
        return Judgement("not finite", np.nan)
    with np.errstate(divide="ignore"):
        decades = float(np.log10(first / last))
    return Judgement(profile_of(decades), decades)
