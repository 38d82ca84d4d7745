"""A results folder of the default's shape and size, as trainings and first passes leave it, with made-up numbers."""

import itertools
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml

from gradflow import studies
from gradflow.analysis.schemas import TABLES
from gradflow.analysis.tables import write_table
from gradflow.causes import CAUSES
from gradflow.config import configuration
from gradflow.models.build import build
from gradflow.models.catalogue import CATALOGUE
from gradflow.propagation.first_backward import MEASURED
from gradflow.recorder.layers import CONV_AND_LINEAR
from gradflow.training import result as results
from synthetic import result

STEPS = 12  # of the default's 80: less to read and to draw, and the figures are as large


def write_results(folder: Path, config: Path, dataset: Path) -> set[str]:
    """Fill a results folder with all that tables, figures and report are made from; return the studies' names."""
    settings = configuration.complete(yaml.safe_load(config.read_text()))
    plan = studies.expand(settings)
    runs = studies.distinct_runs(plan).values()
    names = layer_names(runs)
    generator = np.random.default_rng(0)
    for name in {run.dataset for run in runs}:
        shutil.copytree(dataset, folder / "data" / name)
    (folder / "memory_format.json").write_text('{"memory_format": "contiguous"}')
    for run in runs:
        decades = np.random.default_rng(int(run.start, 16)).uniform(-16, 4)
        made = result(run, decades, noise=0.3, steps=STEPS, names=names[run.start], classes="0123456789")
        results.write_result(folder / "runs" / run.id / "norms.npz", made)
    passes = first_backward(names, settings["scale"]["initial_seeds"], generator)
    write_table(folder / "tables", "first_backward", passes)
    write_table(folder / "tables", "depth_at_init", depth_at_init(settings["depth_at_init"], generator))
    for table, rows in initial_tables(names, settings, generator).items():
        write_table(folder / "tables", table, rows)
    for depth, width in itertools.product(settings["mlp"]["depths"], settings["mlp"]["widths"]):
        path = folder / "mlp" / f"depth{depth}-width{width}.npz"
        results.write_arrays(path, random_mlps(depth, settings["mlp"], generator))
    return {study.name for study in plan}


def layer_names(runs) -> dict[str, list[str]]:
    """{start of a run: the layers of its network}, whatever its random seed."""
    known = {}
    for run in runs:
        if run.start not in known:
            with torch.device("meta"):
                model = build(run.architecture, classes=10, image_size=run.image_size, **run.model_options)
            known[run.start] = [name for name, part in model.named_modules() if isinstance(part, CONV_AND_LINEAR)]
    return known


def first_backward(names: dict[str, list[str]], seeds: int, generator) -> pd.DataFrame:
    """A first backward pass of every start and random seed."""
    rows = [
        (start, seed, layer, depth, quantity)
        for start, layers in names.items()
        for seed in range(seeds)
        for quantity in MEASURED
        for depth, layer in enumerate(layers)
    ]
    table = pd.DataFrame(rows, columns=["start", "seed", "layer", "depth", "quantity"])
    return table.assign(value=10 ** generator.normal(0.1 * table["depth"] - 5, 0.1))


def depth_at_init(settings: dict, generator) -> pd.DataFrame:
    """Networks of growing depth, each with and without skips and batch norm."""
    points = itertools.product(settings["depths"], (True, False), (True, False), range(settings["draws"]))
    table = pd.DataFrame(points, columns=["depth", "skip", "batch_norm", "seed"])
    for name in TABLES["depth_at_init"].columns.keys() - set(table):
        table[name] = generator.normal(0, 1, len(table))
    return table


def initial_tables(names: dict[str, list[str]], settings: dict, generator) -> dict[str, pd.DataFrame]:
    """Explanations of every start, of every architecture under every initialisation, and over training."""
    seeds = range(settings["scale"]["theory_seeds"])
    layers = [(start, seed, *place) for start, all_ in names.items() for seed in seeds for place in enumerate(all_)]
    layers = pd.DataFrame(layers, columns=["start", "seed", "depth", "layer"])
    numbers = 10 ** generator.normal(0.1 * layers["depth"] - 5, 0.1)
    layers = layers.assign(measured=numbers, predicted=numbers, pure=np.nan, spread=0.1)
    survey, aligned = settings["initial_survey"], settings["alignment"]
    networks = itertools.product(CATALOGUE, survey["inits"], range(survey["seeds"]))
    networks = pd.DataFrame(networks, columns=["architecture", "init", "seed"])
    networks = networks.assign(label=[CATALOGUE[name].label for name in networks["architecture"]], image_size=64)
    steps = itertools.product(aligned["architectures"], range(aligned["seeds"]), aligned["steps"])
    steps = pd.DataFrame(steps, columns=["architecture", "seed", "step"])
    steps = steps.assign(label=[CATALOGUE[name].label for name in steps["architecture"]], loss=2.0)
    return {
        "theory": _explained(layers[["start", "seed"]].drop_duplicates(), generator),
        "theory_layers": layers,
        "initial_survey": _explained(networks, generator),
        "alignment": _explained(steps, generator)[list(TABLES["alignment"].columns)],
    }


def _explained(rows: pd.DataFrame, generator) -> pd.DataFrame:
    causes = {cause: generator.normal(0, 1, len(rows)) for cause in CAUSES}
    predicted = sum(causes.values())
    decades = {
        "measured": predicted + 0.05,
        "predicted": predicted,
        "pure": predicted,
        "residual": 0.05,
        "update": 0.01,
    }
    return rows.assign(**causes, **decades, verdict="healthy, alive", no_rule="", reason="")


def random_mlps(depth: int, settings: dict, generator) -> dict[str, np.ndarray]:
    """The norms of a few random networks of each activation and initialisation."""
    kinds = itertools.product(settings["activations"], settings["inits"])
    falling = np.repeat(np.linspace(-0.3 * depth, 0, depth), 2)
    return {f"{activation}-{init}": 10 ** generator.normal(falling, 0.3, (50, 2 * depth)) for activation, init in kinds}
