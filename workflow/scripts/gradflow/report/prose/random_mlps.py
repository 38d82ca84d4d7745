"""Notebook 004's questions, answered from random networks at initialisation."""

import numpy as np

from gradflow.analysis.profiles import profile_verdict
from gradflow.analysis.statistics import estimate_median, estimate_median_difference
from gradflow.analysis.what_helps import HEALTHY
from gradflow.labels import ACTIVATIONS, INITS
from gradflow.propagation.notebook_004 import PRINTED, first_over_last
from gradflow.report.wording import markdown_table, power, signed, times


def sigmoid_and_friends(draws: dict[str, np.ndarray], thresholds: dict) -> str:
    """Answer 004's Q5: first over last weight gradient and its verdict at init, for each activation and init."""
    pairs = [key.split("-") for key in draws]
    activations = [name for name in ACTIVATIONS if any(name == pair[0] for pair in pairs)]
    inits = [name for name in INITS if any(name == pair[1] for pair in pairs)]
    rows = [
        [ACTIVATIONS[activation], *(_share_of_draws(draws[f"{activation}-{init}"], thresholds) for init in inits)]
        for activation in activations
    ]
    return markdown_table(["activation", *(f"{INITS[init]} init" for init in inits)], rows)


def ratio_and_size(draws: dict[str, np.ndarray], thresholds: dict) -> str:
    """Tabulate verdict, first over last weight gradient, and the first's size, for each activation and init.

    The size is the median norm of those draws in which it is not exactly zero.
    """
    pairs = [key.split("-") for key in draws]
    inits = [name for name in INITS if any(name == pair[1] for pair in pairs)]
    rows = []
    for activation in (name for name in ACTIVATIONS if any(name == pair[0] for pair in pairs)):
        cells = [_ratio_and_size(draws[f"{activation}-{init}"], thresholds) for init in inits]
        rows.append([ACTIVATIONS[activation], *cells])
    return markdown_table(["activation", *(f"{INITS[init]} init" for init in inits)], rows)


def healthy_but_tiny(draws: dict[str, np.ndarray], thresholds: dict) -> str:
    """Name the networks whose ratio is healthy, and whose first weight's gradient is dead by size all the same."""
    named = []
    for key, norms in draws.items():
        logs, size = first_over_last(norms), _size_of_first(norms)
        healthy = len(logs) and profile_verdict(estimate_median(logs), thresholds) == HEALTHY
        if healthy and size < np.log10(thresholds["dead_gradient"]):
            activation, init = key.split("-")
            named.append(f"{ACTIVATIONS[activation]} with {INITS[init]} init ({power(size)})")
    return f"**A healthy ratio says nothing of the size**: {'; '.join(named)}." if named else ""


def _ratio_and_size(norms: np.ndarray, thresholds: dict) -> str:
    logs = first_over_last(norms)
    if not len(logs):
        return "all exactly zero"
    median = estimate_median(logs)
    zero = 1 - len(logs) / len(norms)
    size = power(_size_of_first(norms)) + (f", {zero:.0%} exactly zero" if zero else "")
    return f"**{profile_verdict(median, thresholds)}**<br>ratio {power(median.value)}<br>size {size}"


def _size_of_first(norms: np.ndarray) -> float:
    first = norms[:, 0]
    there = first[(first > 0) & np.isfinite(first)]
    return float(np.median(np.log10(there))) if len(there) else -np.inf


def printed_among(draws: dict[str, np.ndarray]) -> bool:
    """Say whether any of the networks that notebook 004 printed was drawn."""
    return any("-".join(key) in draws for key in PRINTED)


def printed_inside(draws: dict[str, np.ndarray], low: float = 1, high: float = 99) -> str:
    """Say how many of notebook 004's printed norms lie within a band of our draws."""
    inside = total = 0
    for key, printed in PRINTED.items():
        if "-".join(key) in draws:
            a, b = np.percentile(draws["-".join(key)], [low, high], axis=0)
            inside += int(((printed >= a) & (printed <= b)).sum())
            total += len(printed)
    return f"{inside} of the {total} norms that notebook 004 printed lie between {low:g} % and {high:g} % of our draws."


def what_changes(draws: dict[str, np.ndarray], depth: int, thresholds: dict) -> str:
    """Answer 004's Q5 in sentences: where it vanishes, what another activation changes, and what an init changes."""
    order = [f"{activation}-{init}" for activation in ACTIVATIONS for init in INITS]
    logs = {key: first_over_last(draws[key]) for key in order if key in draws}
    said = []
    for key, values in logs.items():
        activation, init = key.split("-")
        if init != "default" or not len(values):
            continue
        ratio, step = estimate_median(values), estimate_median(values / (depth - 1))
        dead = 1 - len(values) / len(draws[key])
        which = f"torch default init, {dead:.0%} of them dead" if dead else "torch default init"
        sentence = (
            f"- **{ACTIVATIONS[activation]}**, {which}: the first weight's gradient is {times(ratio)} the last's, "
            f"{times(step)} a layer: {profile_verdict(ratio, thresholds)}."
        )
        if activation != "sigmoid" and len(logs.get("sigmoid-default", [])):
            sentence += f" Against the sigmoid it {_moves(values, logs['sigmoid-default'])}."
        others = [
            f"{INITS[other]}'s {_moves(logs[f'{activation}-{other}'], values)}"
            for other in INITS
            if other != "default" and len(logs.get(f"{activation}-{other}", []))
        ]
        said.append(sentence + (f" Instead of torch's init, {'; '.join(others)}." if others else ""))
    return "\n".join(said)


def sigmoids_slope(draws: dict[str, np.ndarray], depth: int) -> str:
    """Say what a layer of sigmoids leaves of the gradient, by initialisation."""
    found = {init: _log_ratios(draws, "sigmoid", init) / (depth - 1) for init in INITS}
    said = [f"{power(estimate_median(logs).value)} with {INITS[init]}" for init, logs in found.items() if len(logs)]
    return f"Measured, a layer: {', '.join(said)} init." if said else "No sigmoid was drawn."


def instead_of_sigmoid(draws: dict[str, np.ndarray]) -> str:
    """Say what each activation makes of the sigmoid's ratio, with torch's default initialisation."""
    found = {name: _log_ratios(draws, name, "default") for name in ACTIVATIONS}
    sigmoid = found.pop("sigmoid")
    said = [
        f"{ACTIVATIONS[name]} {signed(estimate_median_difference(logs, sigmoid))}"
        for name, logs in found.items()
        if len(logs) and len(sigmoid)
    ]
    if not said:
        return "No two of them were drawn."
    return f"Against the sigmoid, with torch's init, decades of the ratio: {', '.join(said)}."


def instead_of_default(draws: dict[str, np.ndarray]) -> str:
    """Say what each initialisation makes of the ratio with torch's default, from the least to the most it does."""
    said = []
    for init in (name for name in INITS if name != "default"):
        pairs = [(_log_ratios(draws, name, init), _log_ratios(draws, name, "default")) for name in ACTIVATIONS]
        some = [np.median(logs) - np.median(others) for logs, others in pairs if len(logs) and len(others)]
        if some:
            ends = " to ".join(f"{value:+.1f}".replace("-", "−") for value in (min(some), max(some)))
            said.append(f"{INITS[init]} {ends}")
    if not said:
        return "No initialisation was drawn beside torch's."
    return f"Instead of torch's init, over the activations, decades of the ratio: {'; '.join(said)}."


def _log_ratios(draws: dict[str, np.ndarray], activation: str, init: str) -> np.ndarray:
    """The log10 ratios of one kind of network; none where it was not drawn."""
    return first_over_last(draws.get(f"{activation}-{init}", np.ones((0, 2))))


def _moves(values: np.ndarray, others: np.ndarray) -> str:
    """Say how one kind of network's ratio compares with another's."""
    difference = estimate_median_difference(values, others)
    if difference.low <= 0 <= difference.high:
        return f"changes the ratio by {signed(difference)} decades, which is not significant"
    return f"{'raises' if difference.value > 0 else 'lowers'} the ratio by {signed(difference)} decades"


def _share_of_draws(norms: np.ndarray, thresholds: dict) -> str:
    logs = first_over_last(norms)
    if not len(logs):
        return "all exactly zero"
    low, high = np.percentile(logs, [5, 95])
    median, share = estimate_median(logs), len(logs) / len(norms)
    dead = "" if share == 1 else f"<br>{1 - share:.0%} exactly zero"
    return f"**{profile_verdict(median, thresholds)}**<br>{times(median)}<br>({power(low)} … {power(high)}){dead}"
