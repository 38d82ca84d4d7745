"""Draws put together: means of logarithms over random seeds, and the range that was measured."""

import math
from collections.abc import Sequence

import numpy as np

from gradflow.causes import CAUSES
from gradflow.propagation.draw import Draw
from gradflow.propagation.explanation import Explanation, LayerFlow


def explanation_of(draws: Sequence[Draw]) -> Explanation:
    """Return what the draws of one network say together."""
    uses = draws[0].graph.uses
    names = [use.name for use in uses if all(use.name in _layer_names(one) for one in draws)]
    measured = np.array([_logs(one, one.measured.norms, -math.inf, names) for one in draws])
    predicted = np.array(
        [_logs(one, {use.node: one.passes.norm(use.node) for use in one.graph.uses}, -math.inf, names) for one in draws]
    )
    pure = np.array([_logs(one, one.pure, math.nan, names) for one in draws])
    shares = [_shares(one) for one in draws]
    kinds = {use.name: use.kind for use in uses}
    with np.errstate(all="ignore"):
        layers = [
            LayerFlow(
                name,
                depth,
                kinds[name],
                *_three(measured[:, depth]),
                _power(predicted[:, depth].mean()),
                _power(pure[:, depth].mean()) if np.isfinite(pure[:, depth]).all() else None,
                _spread_at(draws, name),
                _mean_of([one[name] for one in shares if name in one]),
            )
            for depth, name in enumerate(names)
        ]
        totals = {
            "measured": float((measured[:, 0] - measured[:, -1]).mean()),
            "predicted": float((predicted[:, 0] - predicted[:, -1]).mean()),
            "pure": float((pure[:, 0] - pure[:, -1]).mean()),
        }
    causes = _mean_of([_by_cause(one) for one in draws])
    decades = totals | {"residual": totals["measured"] - totals["predicted"]}
    decades |= {cause: causes.get(cause, 0.0) for cause in CAUSES}
    notes = list(dict.fromkeys(note for one in draws for note in _notes(one)))
    unknown = list(dict.fromkeys(name for one in draws for name in one.unknown()))
    update = _power(float(np.mean([one.update for one in draws])))
    variance = float(np.mean([one.variance for one in draws]))
    return Explanation(layers, decades, update, variance, unknown, notes, len(draws))


def _layer_names(one: Draw) -> set[str]:
    return {use.name for use in one.graph.uses}


def _logs(one: Draw, norms: dict, missing: float, names: list[str]) -> list[float]:
    """Return log10 of the norm a sample for each layer, from that of the batch by node."""
    found = {use.name: norms.get(use.node, missing) for use in one.graph.uses}
    return [found[name] + 0.5 * math.log10(one.batch) for name in names]


def _spread_at(draws: Sequence[Draw], name: str) -> float | None:
    found = [one.spreads.get(use.node) for one in draws for use in one.graph.uses if use.name == name]
    return float(np.mean(found)) if None not in found else None


def _three(logs: np.ndarray) -> tuple[float, float, float]:
    return _power(logs.mean()), _power(logs.min()), _power(logs.max())


def _power(log: float) -> float:
    return float(10.0 ** np.float64(log))


def _by_cause(one: Draw) -> dict[str, float]:
    total: dict[str, float] = {}
    for step in one.steps:
        total[step.cause] = total.get(step.cause, 0.0) + step.decades
    return total


def _shares(one: Draw) -> dict[str, dict[str, float]]:
    """Return {layer on the path: {cause: decades since the layer above it}}."""
    uses, found, since = one.graph.use_at(), {}, {}
    for number, step in enumerate(one.steps):
        since[step.cause] = since.get(step.cause, 0.0) + step.decades
        arrives = number + 1 == len(one.steps) or one.steps[number + 1].above is not step.above
        if arrives and step.below in uses:
            found[uses[step.below].name], since = since, {}
    return found


def _mean_of(parts: list[dict[str, float]]) -> dict[str, float]:
    causes = [cause for cause in CAUSES if any(cause in part for part in parts)]
    return {cause: sum(part.get(cause, 0.0) for part in parts) / len(parts) for cause in causes}


def _notes(one: Draw) -> list[str]:
    pure = [f"From choices alone nothing is predicted: it does not follow {one.not_pure}."] if one.not_pure else []
    return pure + [
        f"{name} is zero: nothing flows below it until the first step; it was drawn as torch draws a linear layer."
        for name in one.redrawn
    ]
