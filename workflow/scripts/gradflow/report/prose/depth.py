"""Networks of growing depth, what training adds to the prediction, and the survey: what their figures show."""

import numpy as np
import pandas as pd

from gradflow.analysis.profiles import side
from gradflow.analysis.statistics import estimate_mean
from gradflow.labels import INITS
from gradflow.report.wording import signed


def evenness(depth_at_init: pd.DataFrame) -> str:
    """Say which kind of the deepest networks keeps the gradient most even, and which least."""
    depth, kinds = _deepest_kinds(depth_at_init)
    known = {name: size for name, (size, _) in kinds.items() if np.isfinite(size.value)}
    if not known:
        return f"At {depth} layers no network's gradient could be compared from the last layer to the first"
    order = sorted(known, key=lambda name: abs(known[name].value))
    most, least = (f"{name} ({_in_tenths(known[name].value)} decades)" for name in (order[0], order[-1]))
    return f"At {depth} layers the gradient stays most even {most}" + (f", least {least}" if len(order) > 1 else "")


def deepest(depth_at_init: pd.DataFrame) -> str:
    """Say that, and what skips and batch norm make of the deepest network: decades, and its gradients' correlation."""
    return f"{evenness(depth_at_init)}: {'; '.join(kinds_at_depth(depth_at_init))}."


def kinds_at_depth(depth_at_init: pd.DataFrame) -> list[str]:
    """Say of each kind of the deepest networks its decades, and its gradients' correlation."""
    return [
        f"{name} {signed(size)} decades, correlation {alike:.2f}"
        for name, (size, alike) in _deepest_kinds(depth_at_init)[1].items()
    ]


def _deepest_kinds(depth_at_init: pd.DataFrame) -> tuple[int, dict]:
    """The largest depth, and {kind of network: its decades there, the correlation of its gradients}."""
    depth = int(depth_at_init["depth"].max())
    kinds = {}
    for (skip, batch_norm), some in depth_at_init[depth_at_init["depth"] == depth].groupby(["skip", "batch_norm"]):
        name = f"{'with' if skip else 'without'} skips and {'with' if batch_norm else 'without'} batch norm"
        kinds[name] = estimate_mean(some["decades"]), estimate_mean(some["correlation"]).value
    return depth, kinds


def alignment_learnt(alignment: pd.DataFrame) -> str:
    """Say in how many networks more of the gradient arrives than is predicted, at the last step that was looked at."""
    step, found = _last_residuals(alignment)
    words = [side(one, 0, 0, ("less", "more", "more")) for one in found.values()]
    counts = {word: words.count(word) for word in ("more", "less") if word in words}
    said = [f"{word} in {count}" for word, count in counts.items()]
    said[:1] = [one.replace(" in", " of the gradient arrives than predicted in") for one in said[:1]]
    told = " and ".join(said) or "neither more nor less of the gradient than predicted surely arrives in any"
    return f"After {step} update{'s' if step != 1 else ''} {told} of {len(found)} network{'s' * (len(found) != 1)}"


def learnt_alignment(alignment: pd.DataFrame) -> str:
    """Say that, and how far measured minus predicted decades have come, by network."""
    said = [f"{label} {signed(one, 2)}" for label, one in _last_residuals(alignment)[1].items()]
    return f"{alignment_learnt(alignment)}; measured minus predicted decades: {'; '.join(said)}."


def _last_residuals(alignment: pd.DataFrame) -> tuple[int, dict]:
    """The last step, and {network: its residual there}."""
    step = alignment["step"].max()
    rows = alignment[alignment["step"] == step].groupby("label", observed=True, sort=False)["residual"]
    return int(step), {label: estimate_mean(values) for label, values in rows}


def least_by_init(survey: pd.DataFrame) -> str:
    """Say which initialisation leaves least of the gradient in the most architectures."""
    means = _survey_means(survey)["measured"].unstack()
    least = means[means.notna().sum(axis=1) > 1].idxmin(axis=1)
    if least.empty:
        return "No architecture was explained under two initialisations"
    init, count = least.value_counts().index[0], least.value_counts().iloc[0]
    return f"Least of the gradient is left by {INITS.get(init, init)} init, in {count} of {len(least)} architectures"


def survey_in_words(survey: pd.DataFrame) -> str:
    """Say that, how many networks were explained, between which ends they lie, and how far off the prediction is."""
    means = _survey_means(survey)
    if means.empty:
        return "No network was explained."
    lowest, highest = means["measured"].idxmin(), means["measured"].idxmax()
    ends = [f"{label}, {INITS.get(init, init)} init ({_in_tenths(means.at[(label, init), 'measured'])})"
            for label, init in (lowest, highest)]  # fmt: skip
    return (
        f"{least_by_init(survey)}: {len(means)} networks, from {' to '.join(ends)} decades; the prediction lies "
        f"{means['residual'].abs().median():.2f} decades off (median)."
    )


def _survey_means(survey: pd.DataFrame) -> pd.DataFrame:
    return survey.groupby(["label", "init"], observed=True)[["measured", "residual"]].mean().dropna()


def _in_tenths(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")
