"""Statistics of depth profiles: phases of training, decades from last to first layer and per layer, verdicts."""

import numpy as np
import pandas as pd

from gradflow.analysis.statistics import Estimate

WINDOW = 10  # steps that "middle" and "end" take the median of: one batch says little once training is under way


def phase_rows(steps: int) -> dict[str, np.ndarray]:
    """Return the rows (steps) that each phase of a training run of so many steps covers.

    `init` and `one_step` are single steps by their nature: the gradients before the first and the second update.
    """
    window = min(WINDOW, steps)
    middle = max(0, steps // 2 - window // 2)
    return {
        "init": np.arange(0, min(1, steps)),
        "one_step": np.arange(1, min(2, steps)),
        "middle": np.arange(middle, middle + window),
        "end": np.arange(steps - window, steps),
    }


def decades_table(profiles: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run, phase and quantity: `decades`, log10 of the first layer's value over the last's.

    profiles: columns run, phase, quantity, depth, value. Negative decades: the gradient shrinks on its way from the
    last layer to the first; -inf: it is exactly zero there, +inf: it overflowed there. NaN where an end is NaN or the
    last layer's is zero or infinite.
    """
    keys = ["run", "phase", "quantity"]
    used = profiles[profiles["depth"] >= 0].sort_values([*keys, "depth"])
    ends = used.drop_duplicates(keys, keep="first")[keys]
    first, last = (used.drop_duplicates(keys, keep=end)["value"].to_numpy() for end in ("first", "last"))
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(np.isfinite(last) & (last > 0), np.log10(first / last), np.nan)
    return ends.assign(decades=values).reset_index(drop=True)


def profile_verdict(decades: Estimate, thresholds: dict) -> str:
    """Call a depth profile vanishing, healthy or exploding by its decades from last to first layer.

    thresholds: `vanishing_below` and `exploding_above`, in decades. The whole interval must lie on one side of a
    threshold, or the verdict is undecided; with one random seed the value alone decides and the verdict says so.
    Random seeds without a value are counted in it, never dropped in silence.
    """
    if not decades.n:
        return "not finite" if decades.lost else "not measured"
    single = decades.n < 2
    low, high = (decades.value, decades.value) if single else (decades.low, decades.high)
    below, above = thresholds["vanishing_below"], thresholds["exploding_above"]
    said = "undecided"
    if high <= below:
        said = "vanishing"
    elif low >= above:
        said = "exploding"
    elif low > below and high < above:
        said = "healthy"
    if decades.lost:
        return f"{said} (not finite in {decades.lost} of {decades.lost + decades.n} random seeds)"
    return f"{said} (one random seed)" if single else said
