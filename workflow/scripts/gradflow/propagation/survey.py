"""Explanations as tables: every arm of a run at its start, and every architecture under every initialisation."""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial

import pandas as pd
import torch

from gradflow.causes import CAUSES
from gradflow.data.store import Dataset
from gradflow.models.build import build
from gradflow.models.catalogue import CATALOGUE, Architecture
from gradflow.propagation.batches import stand_in
from gradflow.propagation.explain import explain
from gradflow.propagation.explanation import Explanation
from gradflow.propagation.first_backward import at_its_start
from gradflow.runs import Run
from gradflow.training.task import training_loss

PASSES, FEW = 8, 2  # independent ones a draw: of narrow networks more, as each differs more
CLASSES = 10
SIDE, FEWEST = 64, 3  # larger images are fewer, so that they have as many pixels together; but so many at least
TOTALS = ("measured", "predicted", "pure", "residual", *CAUSES)
LAYER = ("layer", "depth", "measured", "predicted", "pure", "spread")


def theory_tables(
    runs: Iterable[Run],
    datasets: Mapping[str, Dataset],
    seeds: Iterable[int],
    device: torch.device | str = "cpu",
    architectures: Mapping[str, Architecture] = CATALOGUE,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Explain the first backward pass of runs for these random seeds, whatever their own.

    Choices alone are asked for the first random seed only: they say the same of every draw.

    Returns
    -------
    The tables `theory`, a row a start and random seed, and `theory_layers`, a row a layer of it.
    """
    seeds = list(seeds)
    totals, layers = [], []
    for run in runs:
        for seed in seeds:
            model, *batch = at_its_start(
                replace(run, seed=seed), datasets[run.dataset], device, architectures[run.architecture]
            )
            loss = partial(training_loss, run)
            found, reason = explained(
                lambda model=model, batch=batch, seed=seed, loss=loss: _explain(model, batch, seed, seeds, PASSES, loss)
            )
            key = {"start": run.start, "seed": seed}
            totals.append(key | total_row(found, reason))
            layers += [key | row for row in layer_rows(found)]
    return pd.DataFrame(totals), pd.DataFrame(layers, columns=["start", "seed", *LAYER])


def survey_table(
    architectures: Mapping[str, Architecture],
    *,
    inits: Iterable[str],
    seeds: Iterable[int],
    width: float,
    images: int,
    device: torch.device | str = "cpu",
    progress: Callable = iter,
) -> pd.DataFrame:
    """Explain every architecture under every initialisation, at its source's image size.

    The inputs are drawn, with natural images' statistics (`gradflow.propagation.batches`), as are the labels: what the
    survey says is about architectures, whatever the data.

    Parameters
    ----------
    architectures : by name; those without an option `width` are as wide as they are.
    inits, seeds : of each.
    width : the width multiplier.
    images : how many, of 64 pixels a side; larger ones are fewer.
    progress : what the networks are counted through, such as tqdm.

    Returns
    -------
    The table `initial_survey`, a row an architecture, initialisation and random seed.
    """
    seeds, rows = list(seeds), []
    for name, init, seed in progress(list(itertools.product(architectures, inits, seeds))):
        entry = architectures[name]
        size = entry.source_size
        count = max(FEWEST, min(images, round(images * (SIDE / size) ** 2)))
        inputs = stand_in((3, size, size), count, seed).to(device)
        labels = torch.randint(0, CLASSES, (count,), generator=torch.Generator().manual_seed(seed)).to(device)

        def explanation(entry=entry, init=init, seed=seed, size=size, batch=(inputs, labels)):
            options = {"width": width} if "width" in entry.options else {}
            shape = {"classes": CLASSES, "image_size": size}
            model = build(entry, **shape, init=init, seed=seed, **options).to(device).train()
            return _explain(model, batch, seed, seeds, FEW)

        key = {"architecture": name, "label": entry.label or name, "init": init, "seed": seed, "image_size": size}
        rows.append(key | total_row(*explained(explanation)))
    return pd.DataFrame(rows)


def _explain(model, batch, seed: int, seeds: list[int], passes: int, loss: Callable | None = None) -> Explanation:
    return explain(model, *batch, first_seed=seed, probes=passes, pure=seed == seeds[0], remedies=False, loss=loss)


def explained(work: Callable[[], Explanation]) -> tuple[Explanation | None, str]:
    """Return an explanation, or None and the reason: a network that cannot be explained is a row like the others."""
    try:
        return work(), ""
    except Exception as error:  # people's own networks fail in any way
        said = str(error).strip().splitlines()
        return None, f"{type(error).__name__}: {said[0] if said else ''}"


def total_row(found: Explanation | None, reason: str) -> dict:
    """Return an explanation's decades, size and verdict as a row."""
    if found is None:
        return dict.fromkeys((*TOTALS, "update"), math.nan) | {"verdict": "", "no_rule": "", "reason": reason}
    decades = {name: found.decades[name] for name in TOTALS}
    return decades | {
        "update": found.update,
        "verdict": found.verdict,
        "no_rule": ", ".join(found.unknown),
        "reason": reason,
    }


def layer_rows(found: Explanation | None) -> list[dict]:
    """Return an explanation's layers as rows, with NaN for what is not predicted."""
    return [
        {name: getattr(one, name) for name in LAYER[1:4]}
        | {"layer": one.name}
        | {name: math.nan if getattr(one, name) is None else getattr(one, name) for name in ("pure", "spread")}
        for one in (found.layers if found else [])
    ]
