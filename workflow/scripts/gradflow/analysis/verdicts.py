"""Verdicts on the arms of a study: the gradient's profile over depth, and its size at the first layer, dead or alive.

The profile needs two numbers to agree, where both are known: the decades of the first layer over the last, in which a
head such as a global pool may stand for the depth, and those of the robust slope, over as many layers.

The size asks whether the first layer moves at all. Before any update it is ‖∂L/∂W‖/‖W‖, and under an optimizer whose
update is as large as the gradient the update ratio ‖ΔW‖/‖W‖, both against `dead_update`. The other optimizers divide
the gradient by its own size and make a lively update of any, until it falls below their epsilon: there it is
‖∂L/∂W‖/√(number of weights), against `dead_gradient`.
"""

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from gradflow.analysis.profiles import UNDECIDED, profile_notes, profile_word, side
from gradflow.analysis.statistics import Estimate, estimate_mean
from gradflow.analysis.study import StudyTables
from gradflow.labels import SHOWN_PHASES

PROPORTIONAL = ("sgd", "asgd")  # optimizers whose update is as large as the gradient


def arm_verdicts(
    study: StudyTables, thresholds: dict, quantity: str = "grad_sample_norm", phases: Iterable[str] = SHOWN_PHASES
) -> dict[tuple[str, str], str]:
    """Return {(arm label, phase): verdict}, of some phases: "vanishing, dead", "stalled: no end".

    thresholds: as `gradflow.thresholds` has them. An interval that straddles a threshold leaves its part undecided. The
    size is left out where it was not measured.
    """
    decades = study.decades(quantity, phases)
    verdicts = {}
    for phase in phases:
        slopes, sizes = study.run_slopes(quantity, phase), run_sizes(study, phase, thresholds)
        for label in study.labels:
            no_end = study.no_end(label) if phase == "end" else ""
            slope = estimate_mean(study.by_seed(slopes, label) * _steps_of_depth(study, label))
            size = estimate_mean(study.by_seed(sizes, label))
            verdicts[label, phase] = _in_words(decades[label, phase], slope, size, no_end, thresholds)
    return verdicts


def profile_in(verdict: str) -> str:
    """Return the word for the profile in a verdict: "vanishing" of "vanishing, dead (one random seed)"."""
    return re.split(r", | \(", verdict)[0]


def run_sizes(study: StudyTables, phase: str, thresholds: dict) -> pd.Series:
    """Return each run's size at the first layer at a phase, as log10 of it over its threshold, indexed by run.

    Below 0 it is dead, −inf without any gradient; NaN where it was not measured, or is not finite.
    """
    first = _first_layer(study, phase)
    gradient = first["weight_grad_norm"]
    if phase == "init":
        weight = first["relative_gradient"] / gradient  # NaN, or 0 by underflow, where there is no gradient
        over = (gradient / weight).where(weight > 0, 0.0) / thresholds["dead_update"]
        over = over.where(first["relative_gradient"].notna())
    else:
        runs = study.per_run.reindex(first.index)
        rms = gradient / np.sqrt(runs["first_layer_weights"].astype(float)) / thresholds["dead_gradient"]
        moved = first["update_ratio"] / thresholds["dead_update"]
        over = moved.where(runs["optimizer"].isin(PROPORTIONAL), rms)
    with np.errstate(divide="ignore"):
        logs = np.log10(over)
    return logs.where(np.isfinite(over))


def _first_layer(study: StudyTables, phase: str) -> pd.DataFrame:
    """The first layer's value of every quantity that sizes are made of: a row a run, a column a quantity."""
    wanted = ["weight_grad_norm", "relative_gradient", "update_ratio"]
    table = study.profiles
    used = table[(table["phase"] == phase) & (table["depth"] >= 0) & table["quantity"].isin(wanted)]
    first = used.sort_values("depth").drop_duplicates(["run", "quantity"])
    return (
        first.astype({"quantity": str}).pivot(index="run", columns="quantity", values="value").reindex(columns=wanted)
    )


def _steps_of_depth(study: StudyTables, label: str) -> int:
    """How many layers lie between an arm's first and last, on its main path: what a slope is times to be decades."""
    beside = study.beside(label)
    return len([layer for layer in study.layer_names(label) if layer not in beside]) - 1


def _in_words(decades: Estimate, slope: Estimate, size: Estimate, no_end: str, thresholds: dict) -> str:
    """A verdict: the profile and the size, and in brackets what to know of it."""
    if no_end and not (decades.n or decades.lost):
        return no_end
    by_ends, by_slope = profile_word(decades, thresholds), profile_word(slope, thresholds)
    said, notes = [by_ends], profile_notes(decades)
    if decades.n and slope.n and np.isfinite(decades.middle) and by_slope != by_ends:
        said, notes = [UNDECIDED], [f"{by_ends} by its ends, {by_slope} by its slope", *notes]
    if decades.n and size.n:
        sized = side(size, 0, 0, ("dead", "alive", "alive"))
        said.append(f"size {UNDECIDED}" if sized == UNDECIDED else sized)
    notes += [no_end] if no_end else []
    return ", ".join(said) + (f" ({'; '.join(notes)})" if notes else "")
