"""The arms of a results folder: every distinct one once, under all the names that its studies give it."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gradflow.analysis.profiles import phase_rows
from gradflow.analysis.study import StudyTables, read_study
from gradflow.analysis.tables import read_table
from gradflow.analysis.verdicts import arm_verdicts
from gradflow.errors import GradflowError
from gradflow.labels import SHOWN_PHASES
from gradflow.report.explorer.arms import SHOWN, THEORY, ExploredArm, ExploredRun, Judgement, kept_places
from gradflow.training.result import Result, read_result

SETTINGS = ("architecture", "init", "activation", "optimizer", "skip", "batch_norm", "depth", "learning_rate")


class Place(NamedTuple):
    """An arm as a study has it: its label there, and its runs in the order of their random seeds."""

    study: StudyTables
    label: str
    runs: list[str]


def arms_of_results(folder: Path, thresholds: Mapping) -> list[ExploredArm]:
    """Return the distinct arms of all studies whose tables lie in a results folder.

    Arms are one if they share the run of their first random seed; what is said of one is what the study with most of
    its runs says. thresholds: as `gradflow.thresholds` has them.
    Raises GradflowError if there are no tables, or a run's result is missing or damaged.
    """
    folder = Path(folder)
    named = read_table(folder / "tables", "arms")
    if named.empty:
        raise GradflowError(f"{folder / 'tables'} holds no arms: run the workflow to make some.")
    studies = [read_study(folder / "tables", name) for name in dict.fromkeys(named["study"])]
    said = {study.name: (arm_verdicts(study, thresholds), study.decades()) for study in studies}
    distinct: dict[str, list[Place]] = {}
    for study in studies:
        for label in study.labels:
            mine = study.arms[study.arms["label"] == label].sort_values("seed", kind="stable")
            distinct.setdefault(mine["run"].iloc[0], []).append(Place(study, label, list(mine["run"])))
    chosen = [max(places, key=lambda place: len(place.runs)) for places in distinct.values()]
    labels = [place.label for place in chosen]
    arms = []
    for places, place in zip(distinct.values(), chosen):
        alone = labels.count(place.label) == 1
        name = place.label if alone else f"{place.label} ({place.study.title})"
        arms.append(_read_arm(folder, place, name, places, said[place.study.name]))
    return arms


def _read_arm(folder: Path, place: Place, name: str, places: list[Place], said: tuple[dict, dict]) -> ExploredArm:
    verdicts, decades = said
    study, label, runs = place
    results = [read_result(folder / "runs" / run / "norms.npz") for run in runs]
    order = _forward_order(results[0])
    layers = [str(layer) for layer in results[0]["layer_name"][order]]
    judgements = {}
    for phase in SHOWN_PHASES:
        its = decades[label, phase]
        judgements[phase] = Judgement(verdicts[label, phase], its.middle, its.low, its.high, its.n)
    settings = {key: value for key, value in results[0].meta["settings"].items() if key in SETTINGS}
    return ExploredArm(
        label=name,
        layers=layers,
        runs=[explored_run(result) for result in results],
        judgements=judgements,
        aliases=sorted({other.label for other in places} - {label}),
        studies=[other.study.title for other in places],
        beside=[layer for layer in layers if layer in study.beside(label)],
        theory=_theory(study, label, layers),
        settings={key: value for key, value in settings.items() if value is not None},
        chance=1 / len(results[0].meta["classes"]),
    )


def explored_run(result: Result) -> ExploredRun:
    """Return what is shown of a run; its phases are those of the table `profiles`."""
    order = _forward_order(result)
    values = {name: result[name][:, order] for name in SHOWN}
    places = kept_places(len(result["step"]))
    rows_of = phase_rows(len(result["step"]), result.meta["status"])
    phases = {
        phase: {name: np.median(values[name][rows_of[phase]], axis=0) for name in SHOWN}
        for phase in SHOWN_PHASES
        if len(rows_of[phase])
    }
    return ExploredRun(
        name=result.meta["run"],
        seed=result.meta["settings"]["seed"],
        count=len(result["step"]),
        places=places,
        steps=result["step"][places],
        values={name: array[places] for name, array in values.items()},
        phases=phases,
        loss=result["loss"][places],
        status=result.meta["status"],
        reason=result.meta["reason"],
        test_accuracy=float(result["test_accuracy"]),
        train_accuracy=float(result["train_accuracy"][-1]),
    )


def _forward_order(result: Result) -> np.ndarray:
    """The columns of the layers that ran, in forward order."""
    depth = result["layer_depth"]
    return np.array([column for column in np.argsort(depth, kind="stable") if depth[column] >= 0], dtype=int)


def _theory(study: StudyTables, label: str, layers: list[str]) -> dict[str, np.ndarray]:
    """What is predicted of an arm at init, over random seeds the geometric mean; {} where nothing is."""
    table = study.theory_layers[study.theory_layers["label"] == label]
    if table.empty:
        return {}
    logs = table.assign(**{name: np.log10(table[name].where(table[name] > 0)) for name in ("predicted", "pure")})
    means = logs.groupby("layer")[list(THEORY)].mean().reindex(layers)
    return {name: (means[name] if name == "spread" else 10 ** means[name]).to_numpy(float) for name in THEORY}
