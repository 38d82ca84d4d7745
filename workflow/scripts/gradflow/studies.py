"""Studies are data: a base setting, what it varies, and random seeds, expanded into runs."""

import itertools
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

from gradflow.errors import GradflowError
from gradflow.labels import arm_labels
from gradflow.runs import Run


@dataclass(frozen=True)
class Arm:
    """One point of a study: its label and its runs, which differ in the random seed alone."""

    label: str
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Study:
    """A study's name, title and question, its arms, and the layers to draw on their own, by architecture."""

    name: str
    title: str
    question: str
    arms: tuple[Arm, ...]
    layers: dict[str, list[str]]

    @property
    def runs(self) -> list[Run]:
        """All runs of all arms."""
        return [run for arm in self.arms for run in arm.runs]


def expand(config: dict) -> list[Study]:
    """Expand the selected training studies of a completed configuration.

    Raises GradflowError if a grid does not make a run, naming the study and the key.
    """
    return [_expand_study(config, name) for name in config["select"] if name != "mlp"]


def distinct_runs(studies: Iterable[Study]) -> dict[str, Run]:
    """Return {run id: run}; runs that studies share appear once."""
    return {run.id: run for study in studies for run in study.runs}


def check_models(studies: Iterable[Study]) -> None:
    """Build every distinct network without memory and look for the layers that its study names.

    Raises GradflowError for an option that an architecture lacks, and for a layer that a model lacks.
    """
    import torch

    from gradflow.models import build
    from gradflow.recorder import CONV_AND_LINEAR

    known: dict[str, list[str]] = {}
    for study in studies:
        for run in (arm.runs[0] for arm in study.arms):
            key = json.dumps([run.architecture, run.model_options, run.image_size])
            if key not in known:
                try:
                    with torch.device("meta"):
                        model = build(run.architecture, classes=10, **run.model_options)
                        model(torch.empty(2, 3, run.image_size, run.image_size))
                except GradflowError as error:
                    raise GradflowError(f"config: studies.{study.name}.{error}") from error
                except (RuntimeError, ValueError) as error:
                    raise GradflowError(
                        f"config: datasets.{run.dataset}.size is {run.image_size}, too small for {run.architecture} "
                        f"in studies.{study.name}; set it to 32 or more."
                    ) from error
                known[key] = [name for name, m in model.named_modules() if isinstance(m, CONV_AND_LINEAR)]
            for layer in study.layers.get(run.architecture, []):
                if layer not in known[key]:
                    raise GradflowError(
                        f"config: studies.{study.name}.layers.{run.architecture} names {layer!r}, a layer that "
                        f"{run.architecture} lacks; its layers are {', '.join(known[key])}."
                    )


def _expand_study(config: dict, name: str) -> Study:
    section, scale = config["studies"][name], config["scale"]
    shared = {key: scale[key] for key in ("dataset", "width", "epochs")} | section["base"]
    settings: list[dict] = []
    for grid in section["vary"]:
        axes = [value if isinstance(value, list) else [value] for value in grid.values()]
        settings += [shared | dict(zip(grid, point)) for point in itertools.product(*axes)]
    arms = [_runs(config, name, point, section["seeds"] or scale["seeds"]) for point in settings]
    distinct = {runs[0].id: runs for runs in arms}
    labels = arm_labels([asdict(runs[0]) for runs in distinct.values()])
    arms = tuple(Arm(label, runs) for label, runs in zip(labels, distinct.values()))
    return Study(name, section["title"] or name, section["question"], arms, section["layers"])


def _runs(config: dict, study: str, settings: dict, seeds: int) -> tuple[Run, ...]:
    if "architecture" not in settings:
        raise GradflowError(
            f"config: studies.{study} names no architecture; add it to its base or to each grid of vary."
        )
    dataset = config["datasets"].get(settings["dataset"])
    if dataset is None:
        raise GradflowError(
            f"config: studies.{study} uses the data set {settings['dataset']!r}; "
            f"choose one of datasets: {', '.join(config['datasets'])}."
        )
    data = {"source": dataset["source"], "image_size": dataset["size"]}
    known = {field.name for field in fields(Run)}
    numbers = {key: float(settings[key]) for key in ("width", "learning_rate", "momentum") if key in settings}
    chosen = {key: value for key, value in settings.items() if key in known} | numbers | data
    return tuple(Run(**chosen, seed=seed) for seed in range(seeds))
