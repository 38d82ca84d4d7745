"""An explanation: the layers of a network and the causes of its gradient's change, over one draw or several."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from gradflow.propagation.draw import Draw
from gradflow.propagation.operations import CAUSES

VANISHING, EXPLODING = -2.0, 2.0  # decades, first layer over last
DEAD = 6e-8  # of a weight: half an ulp of float32, below which a step of its own gradient's size changes nothing


@dataclass(frozen=True)
class LayerFlow:
    """A layer's gradient, as the RMS over samples of the L2 norm of its activation gradient.

    depth: its number in forward order. measured, predicted: over random seeds the geometric mean; low, high: the
    smallest and the largest measured. shares: decades that each cause adds between the layer above and this one; none
    for a layer that lies beside the path which every gradient takes.
    """

    name: str
    depth: int
    kind: str
    measured: float
    low: float
    high: float
    predicted: float
    pure: float | None
    shares: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Explanation:
    """What `explain` found.

    layers: in forward order. decades: log10 of the first layer's gradient over the last's: measured, predicted, pure,
    residual = measured − predicted, and the causes, which add up to predicted. update: the first layer's weight
    gradient over its weight, its size at a learning rate of 1. variance: fan-in · Var W of the weights on the path.
    unknown: operations that have no rule, bridged by their measured factor. notes: sentences on what was done. seeds:
    how many draws.
    """

    layers: list[LayerFlow]
    decades: dict[str, float]
    update: float
    variance: float
    unknown: list[str]
    notes: list[str]
    seeds: int

    @property
    def profile(self) -> str:
        """Vanishing, healthy or exploding, by the measured decades; dead without a gradient at the first layer."""
        measured = self.decades["measured"]
        if not math.isfinite(measured):
            return "dead"
        return "vanishing" if measured < VANISHING else "exploding" if measured > EXPLODING else "healthy"

    @property
    def alive(self) -> bool:
        """Whether the first layer's weights move at all at a learning rate of 1."""
        return self.update >= DEAD

    @property
    def verdict(self) -> str:
        """Profile and size in a few words."""
        return f"{self.profile}, {'alive' if self.alive else 'dead'}"

    def __str__(self) -> str:
        """The explanation in words."""
        from gradflow.propagation.wording import in_words

        return in_words(self)

    def noting(self, note: str) -> "Explanation":
        """Return the same with one more note."""
        return replace(self, notes=[*self.notes, note])

    def plot(self):
        """Draw it; return the matplotlib figure."""
        from gradflow.propagation.picture import draw_explanation

        return draw_explanation(self)

    def to_frame(self):
        """Return the layers as a pandas DataFrame, one column a cause."""
        import pandas as pd

        rows = [
            {key: value for key, value in asdict(one).items() if key != "shares"} | one.shares for one in self.layers
        ]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict:
        """Return it as what JSON can hold: what is not finite becomes None."""
        told = {"layers": [asdict(one) for one in self.layers], "decades": self.decades, "verdict": self.verdict}
        told |= {"unknown": self.unknown, "notes": self.notes, "update": self.update, "seeds": self.seeds}
        return _finite(told)


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def explanation_of(draws: Sequence[Draw]) -> Explanation:
    """Put the draws of one network together: means of logarithms, and the measured range."""
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
