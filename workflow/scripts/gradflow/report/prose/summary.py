"""The opening page's words: whether gradients vanish, by how much, what helps, and what limits this run."""

import numpy as np
import pandas as pd

from gradflow.analysis.ablations import OWN
from gradflow.analysis.what_helps import EXPLODING, HELPS, MEANINGS, VANISHING, Comparison, InitialArm
from gradflow.report.prose.claims import verdict_counts
from gradflow.report.wording import power

NAMED = 4  # networks in a sentence
REMEDY = {
    "init": "another initialisation",
    "skip": "skip connections",
    "batch_norm": "batch norm",
    "activation": "another activation",
    "optimizer": "another optimizer",
}


def networks(arms: list[InitialArm]) -> list[InitialArm]:
    """Return one arm of each start: networks that differ before any training."""
    return list({arm.start: arm for arm in reversed(arms)}.values())[::-1]


def how_many_vanish(arms: list[InitialArm]) -> str:
    """Say in how many networks the gradient vanishes."""
    every = networks(arms)
    if not every:
        return "This run trained no network of a study"
    count = sum(arm.profile == VANISHING for arm in every)
    if not count:
        return f"No gradient vanishes in the {len(every)} networks of this run"
    return f"Gradients vanish in {count} of {len(every)} networks"


def headline(arms: list[InitialArm], found: list[Comparison]) -> str:
    """Say in how many networks the gradient vanishes, and which kinds of changes help."""
    where = how_many_vanish(arms)
    if not any(arm.profile == VANISHING for arm in arms):
        return where
    kinds = list(dict.fromkeys(one.settings for one in found if one.verdict == HELPS))
    if not kinds:
        return f"{where}, and nothing that was tried helps"
    new = [kind for kind in kinds if len(kind) == 1 or not all((name,) in kinds for name in kind)]
    said = [" with ".join(REMEDY.get(name) or f"the option {name.removeprefix(OWN)}" for name in kind) for kind in new]
    return f"{where}; what helps: {_in_a_row(said)}"


def sentences(arms: list[InitialArm], found: list[Comparison]) -> list[str]:
    """Return two sentences: where and by what factor a layer it vanishes, and what the best change makes of it."""
    every = networks(arms)
    vanishing = sorted((arm for arm in every if arm.profile == VANISHING), key=lambda arm: arm.decades.middle)
    if not vanishing:
        return _sentences_without(every)
    worst = vanishing[0]
    also = [arm.label for arm in vanishing[1:]]
    more = f" It vanishes in {len(also)} more: {_first_few(also)}" if also else ""
    first = f"On its way back through {worst.label} {_multiplied(worst)}.{more}"
    helped = [one for one in found if one.verdict == HELPS]
    if not helped:
        return [first, "No change that this run tried brings it back within bounds and lets the network learn."]
    best = max(helped, key=lambda one: (_gain(one), one.after.accuracy.middle))
    ends = (best.before, best.after)
    reached = " becomes ".join(_accuracy_in_words(arm.accuracy.value) for arm in ends)
    return [first, f"Most is won by {best.change} in {best.network}: {becomes(ends)}, and the test accuracy {reached}."]


def becomes(ends: tuple[InitialArm, InitialArm]) -> str:
    """Say the factor a layer before and after."""
    return " a layer becomes ".join(_a_layer(arm) for arm in ends)


def _gain(one: Comparison) -> float:
    return one.after.decades.middle - one.before.decades.middle


def _sentences_without(every: list[InitialArm]) -> list[str]:
    if not every:
        return ["What it measured of networks that are not trained stands under the other items of the report."]
    exploding = sorted((arm for arm in every if arm.profile == EXPLODING), key=lambda arm: -arm.decades.middle)
    lowest = min(every, key=lambda arm: np.nan_to_num(arm.decades.middle, nan=np.inf))
    said = [f"Least of it is left in {lowest.label}: on its way back {_multiplied(lowest)}."]
    if exploding:
        labels = [arm.label for arm in exploding]
        said.append(f"It explodes in {len(exploding)}: {_first_few(labels)}")
    return said


def helps_table(found: list[Comparison]) -> list[tuple[str, str, str]]:
    """Return rows of (verdict, what it means, changes with the networks that they were made in), of all comparisons."""
    rows = []
    for verdict, meaning in MEANINGS.items():
        networks_of: dict[str, list[str]] = {}
        for one in found:
            if one.verdict == verdict:
                networks_of.setdefault(one.change, []).append(one.network)
        alike: dict[tuple[str, str], list[str]] = {}  # what stands for the same thing in the same networks
        for change, its in networks_of.items():
            new, _, old = change.partition(" for ")
            alike.setdefault((f" for {old}" if old else "", "; ".join(its)), []).append(new)
        said = [f"{', '.join(new)}{old} ({its})" for (old, its), new in alike.items()]
        rows += [(verdict, meaning, " · ".join(said))] if said else []
    return rows


def factors_a_layer(shown: list[InitialArm]) -> list[tuple[str, str]]:
    """Return (network, its factor a layer as predicted from choices alone and as measured) of those explained."""
    rows = []
    for arm in shown:
        theory = arm.study.theory[arm.study.theory["label"] == arm.label]
        predicted = theory["pure"].mean() if theory["pure"].notna().any() else theory["predicted"].mean()
        if np.isfinite(predicted):
            rows.append((arm.label, f"{_a_layer(arm, predicted)} | {_a_layer(arm)}"))
    return rows


def limits(arms: list[InitialArm], datasets: list[dict], claims: pd.DataFrame) -> str:
    """Say what limits this run: data, width, epochs, random seeds, runs that stalled, claims by verdict."""
    said = []
    for facts in datasets:
        height, width = facts["stored"]
        said.append(f"{facts['name']}: {facts['counts']['train']:,} training images of {width}×{height}")
    tables = [arm.study.runs for arm in arms]
    if tables:
        runs = pd.concat(tables).drop_duplicates("run")
        trained = [len(arm.runs) for arm in arms]
        initial = max(arm.decades.n for arm in arms)
        widths = runs["width"].dropna()  # of networks that have one
        said.append((f"width {_from_to(widths)}, " if len(widths) else "") + f"{_from_to(runs['epochs'])} epochs")
        said.append(f"{_from_to(pd.Series(trained))} random seeds an arm, {initial} at initialisation")
        counts = runs["status"].value_counts()
        odd = [f"{count} {status}" for status, count in counts.items() if status != "completed"]
        said.append(f"of {len(runs)} runs {_in_a_row(odd)}" if odd else f"all {len(runs)} runs completed")
    if len(claims):
        said.append(f"claims: {verdict_counts(claims).rstrip('.')}")
    return "Limits of this run: " + "; ".join(said) + "."


def _multiplied(arm: InitialArm) -> str:
    """Say the factor a layer with its interval, and what all layers together leave."""
    seeds = f"{arm.decades.n} random seeds" if arm.decades.n > 1 else "one random seed"
    bounds = [power(arm.per_layer(value)) for value in (arm.decades.low, arm.decades.high)]
    interval = f" [{', '.join(bounds)}]" if arm.decades.n > 1 and np.isfinite(arm.decades.low) else ""
    return (
        f"the gradient is multiplied by {power(arm.per_layer(arm.decades.middle))}{interval} a layer, and by "
        f"{power(arm.decades.middle)} over {arm.layers} layers (at initialisation, {seeds})"
    )


def _a_layer(arm: InitialArm, decades: float | None = None) -> str:
    """Say the factor a layer, of the decades measured if of no others."""
    log = arm.per_layer(arm.decades.middle if decades is None else decades)
    return f"{10**log:.2f}" if -1 < log < 1 else power(log)


def _accuracy_in_words(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "that is not finite"


def _from_to(values: pd.Series) -> str:
    low, high = values.min(), values.max()
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _in_a_row(words: list[str]) -> str:
    return ", ".join(words[:-1]) + (" and " if len(words) > 1 else "") + words[-1]


def _first_few(labels: list[str]) -> str:
    """Name a few; labels have commas of their own."""
    return "; ".join(labels[:NAMED]) + ("; …" if len(labels) > NAMED else ".")
