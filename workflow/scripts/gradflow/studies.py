"""Studies are data: a base setting, what it varies, and random seeds, expanded into runs."""

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from gradflow.config.architectures import known
from gradflow.config.configuration import APART
from gradflow.data.normalization import check_normalization
from gradflow.data.sources import get_source
from gradflow.errors import GradflowError
from gradflow.labels import arm_labels
from gradflow.models.architectures import check_pretrained, resolve_options
from gradflow.models.catalogue import CATALOGUE, Architecture
from gradflow.models.size import Inspection, inspect_network
from gradflow.runs import MODEL_OPTIONS, Run
from gradflow.training import optimizers, schedules

SCALED = ("dataset", "width", "epochs")  # what `scale` sets where a study does not


@dataclass(frozen=True)
class Arm:
    """One point of a study: its label and its runs, which differ in the random seed alone."""

    label: str
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Study:
    """A study's name, title and question, its arms, and the layers to draw on their own, by architecture.

    looks: how many random seeds an arm has at each look. Arms hold those of the last one; a run of a later look is
    trained only if a claim about its arm is open after the look before.
    """

    name: str
    title: str
    question: str
    arms: tuple[Arm, ...]
    layers: dict[str, list[str]]
    looks: tuple[int, ...]

    @property
    def runs(self) -> list[Run]:
        """All runs of all arms."""
        return [run for arm in self.arms for run in arm.runs]

    def look_of(self, number: int) -> int:
        """Return the look that the run at a place of its arm, from 0 on, comes with."""
        return next(look for look in self.looks if look > number)

    def look_before(self, look: int) -> int | None:
        """Return the look before a look; None of the first."""
        return next((earlier for earlier in reversed(self.looks) if earlier < look), None)


def expand(config: dict) -> list[Study]:
    """Expand the selected training studies of a completed configuration.

    Parameters
    ----------
    config : as `config.configuration.complete` returns it.

    Returns
    -------
    One study a name, with its arms; the runs of an arm differ in the random seed alone.

    Raises
    ------
    GradflowError : a grid does not make a run; the sentence names the study and the key.
    """
    return [_expand_study(config, name) for name in config["select"] if name not in APART]


def distinct_runs(studies: Iterable[Study]) -> dict[str, Run]:
    """Return {run id: run}; runs that studies share appear once."""
    return {run.id: run for study in studies for run in study.runs}


def check_models(
    studies: Iterable[Study], architectures: Mapping[str, Architecture] = CATALOGUE
) -> dict[str, Inspection]:
    """Build every distinct network without memory and find the layers that its study names.

    Returns {id of an arm's first run: what is known of its network}.

    A named layer may be missing from some arms of an architecture (batch norm shifts a VGG's numbering), not from all.
    Raises GradflowError for a network that cannot be built or does not take the images, and for a layer no arm has.
    """
    seen: dict[str, Inspection] = {}
    inspected = {}
    for study in studies:
        found: dict[str, set[str]] = {}
        for run in (arm.runs[0] for arm in study.arms):
            key = json.dumps([run.architecture, run.model_options, run.image_size, run.channels])
            seen[key] = seen.get(key) or _inspect(study, run, architectures[run.architecture])
            if run.optimizer_options:  # the others are checked already, and torch's optimizers take seconds to import
                _check_optimizer(study, run)
            inspected[run.id] = seen[key]
            found.setdefault(run.architecture, set()).update(seen[key].layers)
        for architecture, names in study.layers.items():
            for layer in names:
                if architecture in found and layer not in found[architecture]:
                    raise GradflowError(
                        f"config: studies.{study.name}.layers.{architecture} names {layer!r}, a layer that "
                        f"{architecture} lacks; its layers are {', '.join(sorted(found[architecture]))}."
                    )
    return inspected


def _inspect(study: Study, run: Run, architecture: Architecture) -> Inspection:
    try:
        return inspect_network(architecture, run.model_options, run.image_size, run.channels)
    except GradflowError as error:
        raise GradflowError(
            f"config: studies.{study.name} trains {run.architecture} on datasets.{run.dataset}, whose size is "
            f"{run.image_size}, and that does not work: {str(error).rstrip('.')}."
        ) from error


def _check_optimizer(study: Study, run: Run) -> None:
    """Raise GradflowError for values that the optimizer refuses."""
    import torch

    from gradflow.training.loop import make_optimizer

    try:
        make_optimizer(run, torch.nn.Linear(1, 1))
    except Exception as error:  # torch raises ValueError, TypeError or RuntimeError
        raise GradflowError(f"config: studies.{study.name}: {run.optimizer} refuses its settings ({error}).") from error


def _expand_study(config: dict, name: str) -> Study:
    section, scale, architectures = config["studies"][name], config["scale"], known(config["architectures"])
    shared = {key: scale[key] for key in SCALED}
    points: list[dict] = []
    for grid in section["vary"]:
        points += [section["base"] | dict(zip(grid, point)) for point in itertools.product(*map(_axis, grid.values()))]
    points = _without_excluded(points, section["exclude"], shared, name)
    looks = section["seeds"] or scale["seeds"]
    looks = tuple(looks) if isinstance(looks, list) else (looks,)
    seeds = random_seeds(config, looks[-1])
    distinct = {}
    for point in points:
        settings = _run_settings(config, name, point, architectures)
        runs = tuple(Run(**settings, seed=seed) for seed in seeds)
        distinct.setdefault(runs[0].id, (shared | point, runs))
    names = {key: architecture.label for key, architecture in architectures.items()}
    labels = arm_labels([point for point, _ in distinct.values()], names)
    arms = tuple(Arm(label, runs) for label, (_, runs) in zip(labels, distinct.values()))
    return Study(name, section["title"] or name, section["question"], arms, section["layers"], looks)


def _axis(values: object) -> list:
    return values if isinstance(values, list) else [values]


def _without_excluded(points: list[dict], exclude: list[dict], shared: dict, study: str) -> list[dict]:
    """Return the points of a study that have no combination to leave out; shared: what holds where one is silent."""
    where, left = f"config: studies.{study}.exclude", points
    for number, pattern in enumerate(exclude):
        meant = [
            point
            for point in points
            if all(key in (known := shared | point) and known[key] in _axis(pattern[key]) for key in pattern)
        ]
        if not meant:
            raise GradflowError(
                f"{where}.{number} leaves nothing out: no combination of base and vary has {pattern}, written out; "
                "change it, or take it away."
            )
        left = [point for point in left if point not in meant]
    if not left:
        raise GradflowError(f"{where} leaves out every combination of vary; keep one.")
    return left


def _run_settings(config: dict, study: str, point: dict, architectures: dict[str, Architecture]) -> dict:
    """Resolve a point of a study into a run's settings: every default filled in, every number in its field's type."""
    where = f"config: studies.{study}"
    if "architecture" not in point:
        raise GradflowError(f"{where} names no architecture; add it to its base or to each grid of vary.")
    architecture = architectures[point["architecture"]]
    scaled = [key for key in SCALED if key != "width" or "width" in architecture.options]
    settings = {key: config["scale"][key] for key in scaled} | point
    dataset = config["datasets"].get(settings["dataset"])
    if dataset is None:
        raise GradflowError(
            f"{where} uses the data set {settings['dataset']!r}; "
            f"choose one of datasets: {', '.join(config['datasets'])}."
        )
    run_settings = {field.name for field in fields(Run)} - set(MODEL_OPTIONS)
    options = {name: value for name, value in settings.items() if name not in run_settings}
    try:
        options = resolve_options(point["architecture"], architecture, options)
        if settings.get("init") == "pretrained":
            check_pretrained(point["architecture"], architecture, options)
            if architecture.pretrained not in config["downloads"]:
                needed = f"downloads.{architecture.pretrained}"
                raise GradflowError(f"init: pretrained needs {needed}; add its urls and sha256.")
        chosen = optimizers.resolve_optimizer(settings) | schedules.resolve_schedule(settings)
        _check_augmentation(settings, dataset["size"])
        channels = get_source(dataset["source"]).channels(dataset)
        check_normalization(settings.get("normalization", Run.normalization), channels, settings["dataset"])
    except GradflowError as error:
        raise GradflowError(f"{where}.{error}") from error
    resolved = {"width": None} | {name: value for name, value in settings.items() if name in run_settings} | chosen
    resolved |= {name: value for name, value in options.items() if name in MODEL_OPTIONS}
    resolved |= {"source": dataset["source"], "image_size": dataset["size"], "channels": channels}
    own = {name: value for name, value in options.items() if name not in MODEL_OPTIONS}
    resolved["options"] = {name: value for name, value in own.items() if value != architecture.options[name]}
    floats = {field.name for field in fields(Run) if field.type in (float, float | None)}  # 0 and 0.0 are one run
    return {key: float(value) if key in floats and value is not None else value for key, value in resolved.items()}


def _check_augmentation(settings: Mapping, size: int) -> None:
    """Raise GradflowError, which begins with the setting, for crops that may show nothing of an image."""
    if settings.get("crop_padding", 0) >= size:
        raise GradflowError(
            f"crop_padding is {settings['crop_padding']}, and the images have {size} pixels a side: a crop could show "
            "nothing of one; lower it."
        )


def random_seeds(config: dict, count: int) -> range:
    """Return so many random seeds, from `scale.first_seed` on."""
    first = config["scale"]["first_seed"]
    return range(first, first + count)
