"""An explanation: the layers of a network and the causes of its gradient's change, over one draw or several."""

import math
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from gradflow.propagation.profile import decades_per_layer
from gradflow.thresholds import THRESHOLDS

DEAD = THRESHOLDS["dead_update"]  # at a learning rate of 1


@dataclass(frozen=True)
class LayerFlow:
    """A layer's gradient, as the RMS over samples of the L2 norm of its activation gradient.

    depth: its number in forward order. measured, predicted: over random seeds the geometric mean; low, high: the
    smallest and the largest measured. spread: decades by which finite width spreads the prediction, over the last
    layer's, from draw to draw (one standard deviation). shares: decades that each cause adds between the layer above
    and this one. A layer beside the path which every gradient takes has neither.
    """

    name: str
    depth: int
    kind: str
    measured: float
    low: float
    high: float
    predicted: float
    pure: float | None
    spread: float | None
    shares: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Remedy:
    """A change to the network, and what it is predicted to do to it.

    predicted: decades, first layer over last, after it. update: as an Explanation's. Both NaN where it cannot be made,
    and `failure` says why.
    """

    change: str
    predicted: float
    update: float
    failure: str = ""

    @property
    def verdict(self) -> str:
        """Profile and size as predicted."""
        return verdict_of(self.predicted, self.update)

    @property
    def helps(self) -> bool:
        """Whether nothing is left to mend after it."""
        return is_well(self.predicted, self.update)


@dataclass(frozen=True)
class Head:
    """What lies above the last convolution: its name, and the decades between the last layer and it."""

    below: str
    measured: float
    predicted: float


def profile_of(decades: float) -> str:
    """Return vanishing, healthy or exploding for decades of the first layer over the last; dead for no gradient."""
    if not math.isfinite(decades):
        return "dead"
    if decades <= THRESHOLDS["vanishing_below"]:
        return "vanishing"
    return "exploding" if decades >= THRESHOLDS["exploding_above"] else "healthy"


def verdict_of(decades: float, update: float) -> str:
    """Return profile and size in a few words; update: NaN where no layer is trained."""
    size = "frozen" if math.isnan(update) else "dead" if update < DEAD else "alive"
    return f"{profile_of(decades)}, {size}"


def is_well(decades: float, update: float) -> bool:
    """Tell whether there is nothing to mend."""
    return profile_of(decades) == "healthy" and not update < DEAD


def _decades(above: float, below: float) -> float:
    return math.log10(above / below) if above > 0 and below > 0 else -math.inf


@dataclass(frozen=True)
class Explanation:
    """What `explain` found.

    layers: in forward order. decades: log10 of the first layer's gradient over the last's: measured, predicted, pure,
    residual = measured − predicted, and the causes, which add up to predicted. update: the weight gradient over the
    weight of the first layer that is trained, its size at a learning rate of 1; NaN if none is. variance: fan-in · Var
    W of the weights on the path. unknown: operations that have no rule, bridged by their measured factor. notes:
    sentences on what was done. seeds: how many draws. remedies: what changes are predicted to do, where there is
    something to mend.
    """

    layers: list[LayerFlow]
    decades: dict[str, float]
    update: float
    variance: float
    unknown: list[str]
    notes: list[str]
    seeds: int
    remedies: list[Remedy] = field(default_factory=list)

    @property
    def profile(self) -> str:
        """Vanishing, healthy or exploding, by the measured decades; dead without a gradient at the first layer."""
        return profile_of(self.decades["measured"])

    @property
    def alive(self) -> bool:
        """Whether the first layer that is trained moves at all at a learning rate of 1, if any is."""
        return not self.update < DEAD

    @property
    def verdict(self) -> str:
        """Profile and size in a few words."""
        return verdict_of(self.decades["measured"], self.update)

    @property
    def head(self) -> Head | None:
        """What lies above the last convolution; None in a network that has none, or nothing above it."""
        top = self.layers[-1]
        below = next((one for one in reversed(self.layers) if one.kind.startswith("Conv")), top)
        if below is top:
            return None
        return Head(below.name, *(_decades(getattr(below, of), getattr(top, of)) for of in ("measured", "predicted")))

    @property
    def per_layer(self) -> float:
        """Decades that the measured gradient gains a layer on its way to the input, by the median slope."""
        return decades_per_layer(np.array([one.measured for one in self.layers]))

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
        told |= {"head": self.head and asdict(self.head), "per_layer": self.per_layer}
        told["remedies"] = [asdict(one) | {"verdict": one.verdict, "helps": one.helps} for one in self.remedies]
        return _finite(told)


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
