"""Statistics of depth profiles: phases of training, decades from last to first layer and per layer, verdicts."""

import numpy as np
import pandas as pd

from gradflow.analysis.statistics import Estimate

UNDECIDED, PROFILES = "undecided", ("vanishing", "healthy", "exploding")
WINDOW = 10  # steps that "middle" takes the median of: one batch says little once training is under way
END = 4  # "end" is the last one in so many of the steps


def has_end(status: str) -> bool:
    """Tell whether a run of this status trained, and so has an end: one that stalled or diverged has none."""
    return status == "completed"


def phase_rows(steps: int, status: str) -> dict[str, np.ndarray]:
    """Return the rows (steps) that each phase of a run of so many steps and this status covers; none: no such phase.

    `init` and `one_step` are single steps by their nature: the gradients before the first and the second update. `end`
    is the last quarter of a run that trained; `second_half` is there whatever became of the run.
    """
    window = min(WINDOW, steps)
    middle = max(0, steps // 2 - window // 2)
    return {
        "init": np.arange(0, min(1, steps)),
        "one_step": np.arange(1, min(2, steps)),
        "middle": np.arange(middle, middle + window),
        "second_half": np.arange(steps // 2, steps),
        "end": np.arange(steps - max(1, steps // END), steps) if has_end(status) else np.arange(0),
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
    notes = profile_notes(decades)
    return profile_word(decades, thresholds) + (f" ({'; '.join(notes)})" if notes else "")


def profile_word(decades: Estimate, thresholds: dict) -> str:
    """Return the word of `profile_verdict` alone: vanishing, healthy, exploding or undecided, or why there is none."""
    if not decades.n:
        return "not finite" if decades.lost else "not measured"
    return side(decades, thresholds["vanishing_below"], thresholds["exploding_above"], PROFILES)


def profile_notes(decades: Estimate) -> list[str]:
    """Return what to know beside the word of a profile: the random seeds that it lacks, or that there is but one."""
    if not decades.n:
        return []
    if decades.lost:
        return [f"not finite in {decades.lost} of {decades.lost + decades.n} random seeds"]
    return ["one random seed"] if decades.n < 2 else []


def side(estimate: Estimate, below: float, above: float, words: tuple[str, str, str]) -> str:
    """Return the word for at or below a bound, between two, or at or above the other, as the whole interval lies.

    Undecided where it straddles a bound; one value alone has no interval and lies where it is.
    """
    single = estimate.n < 2
    low, high = (estimate.value, estimate.value) if single else (estimate.low, estimate.high)
    if high <= below:
        return words[0]
    if low >= above:
        return words[2]
    return words[1] if low > below and high < above else UNDECIDED
