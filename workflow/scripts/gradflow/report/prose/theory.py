"""Question b: why does the gradient change, and does the prediction meet what is measured?"""

import numpy as np
import pandas as pd

from gradflow.analysis.statistics import estimate_mean
from gradflow.analysis.study import StudyTables
from gradflow.analysis.what_helps import InitialArm
from gradflow.causes import CAUSES
from gradflow.report.prose.summary import factors_a_layer
from gradflow.report.wording import markdown_table, plain, signed

WORTH_A_WORD = 0.1  # decades


def why(study: StudyTables) -> str:
    """Answer b: measured, predicted and their difference, and what the predicted decades are owed to, largest first.

    Intervals are over the random seeds that were explained.
    """
    head = ["arm", "measured", "predicted", "residual", "choices alone", "owed to, in decades"]
    rows = []
    for label in study.labels:
        drawn = study.theory[study.theory["label"] == label]
        if not np.isfinite(drawn["measured"]).any():
            rows.append([plain(label), "–", "–", "–", "–", _not_explained(drawn)])
            continue
        numbers = [signed(estimate_mean(drawn[name]), digits=2) for name in ("measured", "predicted", "residual")]
        rows.append([plain(label), *numbers, _alone(drawn), _causes_of(drawn)])
    return markdown_table(head, rows)


def _alone(drawn: pd.DataFrame) -> str:
    found = drawn["pure"].dropna()
    return f"{found.mean():+.2f}".replace("-", "−") if len(found) else "–"


def _causes_of(drawn: pd.DataFrame) -> str:
    means = drawn[list(CAUSES)].mean()
    worth = means[means.abs() >= WORTH_A_WORD].sort_values(key=np.abs, ascending=False)
    told = ", ".join(f"{value:+.1f} {CAUSES[cause]}" for cause, value in worth.items()).replace("-", "−")
    return told or "nothing by a tenth"


def _not_explained(drawn: pd.DataFrame) -> str:
    reasons = [reason for reason in drawn.get("reason", []) if reason]
    return plain(reasons[0]) if reasons else "not explained"


def factors_table(arms: list[InitialArm]) -> str:
    """Tabulate the factor that a layer multiplies the gradient by at init: predicted from choices and as measured."""
    rows = [[plain(label), *said.split(" | ")] for label, said in factors_a_layer(arms)]
    return markdown_table(["network", "factor a layer, predicted", "measured"], rows) if rows else ""


def how_well(studies: list[StudyTables]) -> str:
    """Say how far the predictions lie from what was measured, over the distinct networks of all studies."""
    drawn, means = _explained(studies)
    if means.empty:
        return "No network was explained."
    spans, (median, most) = means["measured"], typical_error(studies)
    names = sorted({name for told in drawn["no_rule"] for name in told.split(", ") if name})
    unknown = (
        f" Operations without a rule: {', '.join(map(plain, names))}; they are bridged as they were measured."
        if names
        else ""
    )
    said = (
        f"Over the {len(means)} distinct networks of these studies, whose gradients change by {spans.min():+.1f} to "
        f"{spans.max():+.1f} decades, the prediction lies {median:.2f} decades from what was measured "
        f"(median), and {most:.2f} at most."
    )
    return said.replace(" -", " −") + unknown


def typical_error(studies: list[StudyTables]) -> tuple[float, float]:
    """Return how many decades the predictions lie from what was measured: the median over networks, and the most."""
    residuals = _explained(studies)[1]["residual"].abs()
    return residuals.median(), residuals.max()


def _explained(studies: list[StudyTables]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The distinct draws of the networks of all studies, and the means of each network."""
    drawn = pd.concat([study.theory for study in studies]).drop_duplicates(["start", "seed"])
    return drawn, drawn.groupby("start", observed=True)[["measured", "residual"]].mean().dropna()
