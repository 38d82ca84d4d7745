"""Studies are data: a base setting, what it varies, and random seeds, expanded into runs."""

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields

from gradflow.architectures import check_pretrained, resolve
from gradflow.configuration import UNTRAINED
from gradflow.errors import GradflowError
from gradflow.labels import arm_labels
from gradflow.resources import Size
from gradflow.runs import MODEL_OPTIONS, PRETRAINED, WEIGHT_DECAYS, Run


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
    return [_expand_study(config, name) for name in config["select"] if name not in UNTRAINED]


def distinct_runs(studies: Iterable[Study]) -> dict[str, Run]:
    """Return {run id: run}; runs that studies share appear once."""
    return {run.id: run for study in studies for run in study.runs}


def check_models(studies: Iterable[Study]) -> dict[str, Size]:
    """Build every distinct network without memory and look for the layers that its study names.

    Returns {id of an arm's first run: the size of its network}.

    A named layer may be missing from some arms of an architecture (batch norm shifts a VGG's numbering), not from all.
    Raises GradflowError for images that are too small for a network, and for a layer that no arm has.
    """
    known: dict[str, tuple[list[str], Size]] = {}
    sizes = {}
    for study in studies:
        found: dict[str, set[str]] = {}
        for run in (arm.runs[0] for arm in study.arms):
            key = json.dumps([run.architecture, run.model_options, run.image_size])
            known[key] = known.get(key) or _look_into(study, run)
            names, sizes[run.id] = known[key]
            found.setdefault(run.architecture, set()).update(names)
        for architecture, names in study.layers.items():
            for layer in names:
                if architecture in found and layer not in found[architecture]:
                    raise GradflowError(
                        f"config: studies.{study.name}.layers.{architecture} names {layer!r}, a layer that "
                        f"{architecture} lacks; its layers are {', '.join(sorted(found[architecture]))}."
                    )
    return sizes


def _look_into(study: Study, run: Run) -> tuple[list[str], Size]:
    """Return the names of a network's layers, and its size.

    The FLOPs are three times those of the forward pass, the activations the outputs of all its innermost modules.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from gradflow.layers import CONV_AND_LINEAR
    from gradflow.models import build

    outputs: list[int] = []
    try:
        with torch.device("meta"):
            model = build(run.architecture, classes=10, **run.model_options)
            for module in model.modules():
                if not list(module.children()):
                    module.register_forward_hook(lambda module, inputs, output: outputs.append(output.numel()))
            with FlopCounterMode(display=False) as counter:
                model(torch.empty(2, 3, run.image_size, run.image_size))
    except (RuntimeError, ValueError) as error:
        raise GradflowError(
            f"config: datasets.{run.dataset}.size is {run.image_size}, too small for {run.architecture} "
            f"in studies.{study.name}; set it to 32 or more."
        ) from error
    names = [name for name, module in model.named_modules() if isinstance(module, CONV_AND_LINEAR)]
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return names, Size(3 * counter.get_total_flops() // 2, 4 * sum(outputs) // 2, parameters)


def _expand_study(config: dict, name: str) -> Study:
    section, scale = config["studies"][name], config["scale"]
    shared = {key: scale[key] for key in ("dataset", "width", "epochs")} | section["base"]
    points: list[dict] = []
    for grid in section["vary"]:
        axes = [value if isinstance(value, list) else [value] for value in grid.values()]
        points += [shared | dict(zip(grid, point)) for point in itertools.product(*axes)]
    seeds = section["seeds"] or scale["seeds"]
    distinct = {}
    for point in points:
        runs = tuple(_run(config, name, point, seed) for seed in range(seeds))
        distinct.setdefault(runs[0].id, (point, runs))
    labels = arm_labels([point for point, _ in distinct.values()])
    arms = tuple(Arm(label, runs) for label, (_, runs) in zip(labels, distinct.values()))
    return Study(name, section["title"] or name, section["question"], arms, section["layers"])


def _run(config: dict, study: str, settings: dict, seed: int) -> Run:
    """Resolve a point of a study into a run: every default filled in, every number in its field's type."""
    if "architecture" not in settings:
        raise GradflowError(
            f"config: studies.{study} names no architecture; add it to its base or to each grid of vary."
        )
    if settings.get("init") == "pretrained" and PRETRAINED["vgg19"] not in config["downloads"]:
        raise GradflowError(
            f"config: studies.{study}.init: pretrained needs downloads.{PRETRAINED['vgg19']}; add its urls and sha256."
        )
    dataset = config["datasets"].get(settings["dataset"])
    if dataset is None:
        raise GradflowError(
            f"config: studies.{study} uses the data set {settings['dataset']!r}; "
            f"choose one of datasets: {', '.join(config['datasets'])}."
        )
    optimizer = settings.get("optimizer", Run.optimizer)
    if optimizer != "sgd" and settings.get("momentum"):
        raise GradflowError(f"config: studies.{study}.momentum: {optimizer} takes none; set it to 0 or use sgd.")
    options = {name: settings[name] for name in MODEL_OPTIONS if name in settings}
    try:
        options = resolve(settings["architecture"], options)
        if settings.get("init") == "pretrained":
            check_pretrained(settings["architecture"], options)
    except GradflowError as error:
        raise GradflowError(f"config: studies.{study}.{error}") from error
    resolved = {"weight_decay": WEIGHT_DECAYS[optimizer]} | settings | options
    resolved |= {"source": dataset["source"], "image_size": dataset["size"], "seed": seed}
    floats = {field.name for field in fields(Run) if field.type in (float, float | None)}  # 0 and 0.0 are one run
    whole = {key: float(value) if key in floats and value is not None else value for key, value in resolved.items()}
    return Run(**whole)
