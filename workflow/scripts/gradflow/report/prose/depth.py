"""Networks of growing depth, and what training adds to the prediction."""

import pandas as pd

from gradflow.analysis.statistics import estimate_mean
from gradflow.labels import INITS
from gradflow.report.wording import plain, signed


def deepest(depth_at_init: pd.DataFrame) -> str:
    """Say what skips and batch norm make of the deepest network: its decades, and its gradients' correlation."""
    depths = sorted(set(depth_at_init["depth"]))
    rows = depth_at_init[depth_at_init["depth"] == depths[-1]]
    said = []
    for (skip, batch_norm), some in rows.groupby(["skip", "batch_norm"], sort=True):
        name = f"{'with' if skip else 'without'} skips and {'with' if batch_norm else 'without'} batch norm"
        alike = estimate_mean(some["correlation"]).value
        said.append(f"{name} {signed(estimate_mean(some['decades']))} decades, correlation {alike:.2f}")
    return f"At {depths[-1]} layers: {'; '.join(said)}."


def learnt_alignment(alignment: pd.DataFrame) -> str:
    """Say how far measured minus predicted decades have come, by network, at the last step that was looked at."""
    last = alignment[alignment["step"] == alignment["step"].max()]
    said = [
        f"{plain(label)} {signed(estimate_mean(rows['residual']), 2)}"
        for label, rows in last.groupby("label", observed=True, sort=False)
    ]
    step = last["step"].iloc[0]
    return f"After {step} update{'s' if step > 1 else ''}, measured minus predicted decades: {'; '.join(said)}."


def survey_in_words(survey: pd.DataFrame) -> str:
    """Say how many networks were explained, between which ends their decades lie, and how far off the prediction is."""
    means = survey.groupby(["label", "init"], observed=True)[["measured", "residual"]].mean().dropna()
    if means.empty:
        return "No network was explained."
    lowest, highest = means["measured"].idxmin(), means["measured"].idxmax()
    ends = [f"{label}, {INITS.get(init, init)} init ({_in_tenths(means.at[(label, init), 'measured'])})"
            for label, init in (lowest, highest)]  # fmt: skip
    return (
        f"{len(means)} networks, from {' to '.join(ends)} decades; the prediction lies "
        f"{means['residual'].abs().median():.2f} decades off (median)."
    )


def _in_tenths(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")
