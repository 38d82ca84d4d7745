"""Question b: by what steps, multiplied out, does the gradient change on its way to the input?"""

import numpy as np

from gradflow.analysis.ablations import ACTIVATION_GRADIENT
from gradflow.analysis.statistics import estimate_mean
from gradflow.analysis.study import StudyTables
from gradflow.report.wording import markdown_table, power, times


def chain_rule(study: StudyTables, phase: str = "init") -> str:
    """Answer b: the measured factor of each step towards the input, multiplied out, beside the end-to-end ratio.

    A factor is a layer's gradient over the next layer's on the main path (projections beside it are left out), the
    geometric mean over random seeds. That the product meets the end-to-end ratio is the chain rule itself; what the
    table shows is how many factors, of which size, make it.
    """
    head = ["arm", "factors", "below 1", "smallest", "typical", "largest", "product", "measured end to end"]
    rows = []
    for label in study.labels:
        logs = _log_profiles(study, label, phase, main_path=True)
        with np.errstate(invalid="ignore"):  # between two layers of exact zeros there is no factor
            factors = -np.diff(logs, axis=1).mean(axis=0)  # log10 of G_l / G_(l+1)
        if not len(factors):
            rows.append([label, 0, 0, "–", "–", "–", "–", "one layer"])
            continue
        spread = [power(value) for value in (factors.min(), np.median(factors), factors.max())]
        whole = times(estimate_mean(logs[:, 0] - logs[:, -1]))
        rows.append([label, len(factors), (factors < 0).sum(), *spread, f"{power(factors.sum())}×", whole])
    return markdown_table(head, rows)


def _log_profiles(study: StudyTables, label: str, phase: str, main_path: bool = False) -> np.ndarray:
    """log10 of the activation gradient, [seeds, layers in forward order]."""
    table = study.profiles
    chosen = (table["label"] == label) & (table["phase"] == phase) & (table["quantity"] == ACTIVATION_GRADIENT)
    rows = table[chosen & (table["depth"] >= 0)]
    rows = study.on_main_path(rows) if main_path else rows
    wide = rows.pivot(index="run", columns="depth", values="value")
    with np.errstate(divide="ignore"):
        return np.log10(wide.to_numpy())
