"""Runs and tables with a known truth, made without training: what statistics, claims and prose are tested on."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from gradflow.analysis.aggregation import write_arms, write_tables
from gradflow.models.architectures import find_architecture, resolve_options
from gradflow.report.figures import figures
from gradflow.runs import Run
from gradflow.thresholds import THRESHOLDS
from gradflow.training import result as results

LAYERS = [f"features.{position}" for position in (0, 2, 5, 7, 10, 12, 14, 16, 18, 20, 22)] + ["classifier.4"]


def a_run(architecture: str, seed: int = 0, **settings) -> Run:
    """A run with the options of its architecture filled in."""
    options = {name: settings.pop(name) for name in list(settings) if name in ("skip", "batch_norm", "activation")}
    options |= {name: settings.pop(name) for name in list(settings) if name in ("pooling", "kernel", "bottleneck")}
    resolved = resolve_options(architecture, find_architecture(architecture), {"width": 0.25} | options)
    made = Run(architecture, "digits", "digits", 32, seed=seed, **resolved)
    return replace(made, epochs=4, **settings)


def result(
    made: Run,
    decades: float,
    accuracy: float = 0.5,
    noise: float = 0.05,
    steps: int = 40,
    names: list[str] = LAYERS,
    classes: str | list[str] = "abc",
    status: str = "completed",
) -> results.Result:
    """A result whose every norm falls or grows by `decades` from the last layer to the first, at every step.

    Most of the noise on decades and accuracy comes from the random seed alone, so that arms of one seed share it.
    """
    generator = np.random.default_rng(made.seed)
    shift = generator.normal(0, noise) + np.random.default_rng(int(made.id[-8:], 16)).normal(0, 0.01)
    layers = len(names)
    profile = 10.0 ** ((decades + shift) * np.linspace(1, 0, layers))
    wobble = np.exp(generator.normal(0, 0.01, (steps, layers)))
    arrays = {name: (profile * wobble).astype(np.float32) for name in results.PER_STEP_AND_LAYER}
    arrays |= {name: np.arange(steps) for name in results.PER_STEP} | {"epoch": np.arange(steps) * made.epochs // steps}
    arrays |= {"loss": np.linspace(2, 1, steps)}
    arrays |= {name: np.full(made.epochs, accuracy + shift / 5) for name in results.PER_EPOCH}
    arrays |= {name: np.arange(layers) for name in results.PER_LAYER} | {"layer_name": np.array(names)}
    arrays |= {"layer_weight_numel": np.full(layers, 100)}
    arrays |= {"test_loss": np.float64(1), "test_accuracy": np.float64(accuracy + shift / 5)}
    arrays |= {"confusion_matrix": 100 * np.eye(len(classes), dtype=int)}
    arrays |= {f"filters_{when}": generator.normal(0, 1, (4, 3, 3, 3)) for when in ("before", "after")}
    meta = {"run": made.id, "status": status, "reason": "", "settings": made.settings, "parameters": 10}
    meta |= {"classes": list(classes)}
    provenance = {"epoch_seconds": [1.0] * made.epochs, "training_seconds": [1.0] * made.epochs}
    provenance |= {"device": "cpu", "commit": "0" * 40, "dirty": False}
    return results.Result({name: np.asarray(array) for name, array in arrays.items()}, meta, provenance)


def run_of(made: results.Result) -> Run:
    """The run that a result is of."""
    return Run(**made.meta["settings"])


def write_study_tables(
    folder: Path,
    studies: dict[str, dict[str, list[results.Result]]],
    looks=lambda seed: (1000, "[1000]"),
    titles: dict[str, str] | None = None,
) -> Path:
    """Aggregate {study: {arm label: results, one a random seed}} into the tables that the workflow makes.

    looks: from a random seed to the look that it came with, and the looks that are planned, as JSON. titles: of studies
    that are not called after their names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths, rows = {}, []
    for study, arms in studies.items():
        for number, (label, made) in enumerate(arms.items()):
            for one in made:
                name = one.meta["run"]
                paths[name] = folder.parent / "runs" / name / "norms.npz"
                results.write_result(paths[name], one)
                begun = run_of(one)
                title = (titles or {}).get(study, f"Study {study}")
                arm = [study, title, number, label, name, begun.seed, *looks(begun.seed), begun.start]
                rows.append([*arm, find_architecture(begun.architecture).colour, "[]"])
    write_tables(paths.values(), folder)
    write_arms(folder, rows)
    return folder


def draw_figures(folder: Path, study: str) -> dict[str, Path]:
    """Draw every figure of a study into a results folder with tables and runs; return what the report shows."""
    shown = {}
    files = {"study": sorted(folder.glob("tables/*")), "results": sorted(folder.glob("runs/*/norms.npz"))}
    settings = {"study": study, "layers": {}, "thresholds": THRESHOLDS}
    for name, kind in figures().items():
        if "study" in kind.arguments:
            paths = [folder / "figures" / study / f"{name}.{suffix}" for suffix in kind.formats]
            kind.write(paths, files, settings)
            shown[name] = paths[0]
    return shown


def claim(*tests: dict, **more) -> list[dict]:
    """A claims file of one claim."""
    return [{"id": "X", "source": "a test", "claim": "Something is so.", "tests": list(tests)} | more]


def vanishes(**more) -> dict:
    """A test that VGG-Deep vanishes at init in the study s."""
    test = {"says": "decades at init", "study": "s", "arm": {"architecture": "vgg_deep"}, "measure": "decades"}
    return test | {"with": {"at": "init"}, "below": -2} | more
