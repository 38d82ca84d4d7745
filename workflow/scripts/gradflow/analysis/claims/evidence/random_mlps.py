"""Random MLPs, notebook 004's: log10 of the first weight's gradient norm over the last's, the median over networks."""

from pathlib import Path

import numpy as np

from gradflow.analysis.claims.evidence import Kind, Missing, baseline
from gradflow.analysis.statistics import Estimate, estimate_median, estimate_median_difference
from gradflow.propagation.notebook_004 import first_over_last, read_drawn

NETWORK = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "activation": {"type": "string"},
        "init": {"type": "string"},
        "depth": {"type": "integer"},
        "width": {"type": "integer"},
    },
}
SCHEMA = {
    "properties": {
        "random_mlps": NETWORK | {"required": ["activation", "init", "depth", "width"]},
        "minus": {
            "description": "What the other networks have instead; their median is taken off.",
            "type": "object",
            "additionalProperties": False,
            "properties": {"random_mlps": NETWORK},
        },
    },
    "required": ["random_mlps"],
}
Drawn = dict[tuple[int, int], dict[str, np.ndarray]]


def read(files: list[Path]) -> Drawn:
    """Return {(depth, width): {"<activation>-<init>": norms [draws, 2·depth]}} of files named after depth and width."""
    return read_drawn(files)


def measure(test: dict, drawn: Drawn) -> Estimate:
    """Return the median over the networks that are alive, or the difference of two medians, bootstrapped."""
    values = _logs(test["random_mlps"], drawn)
    if "minus" not in test:
        return estimate_median(values)
    return estimate_median_difference(values, _logs(baseline(test)["random_mlps"], drawn))


def _logs(wanted: dict, drawn: Drawn) -> np.ndarray:
    arrays = drawn.get((wanted["depth"], wanted["width"]), {})
    key = f"{wanted['activation']}-{wanted['init']}"
    if key not in arrays:
        raise Missing(f"no networks of {wanted['depth']} layers, width {wanted['width']}, {key} were drawn")
    logs = first_over_last(arrays[key])
    if not len(logs):
        raise Missing(f"every network of {wanted['depth']} layers, {key}, is dead")
    return logs


KIND = Kind("random_mlps", SCHEMA, read, measure)
