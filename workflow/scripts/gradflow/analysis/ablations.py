"""What one setting changes: arms that share everything else, random seeds included, compared seed by seed."""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gradflow.analysis.statistics import ALPHA, Estimate, adjusted, estimate_mean
from gradflow.analysis.study import StudyTables

ACTIVATION_GRADIENT = "grad_sample_norm"
OPTIMIZER_SETTINGS = ("learning_rate", "momentum", "weight_decay")  # they come with another optimizer


@dataclass(frozen=True)
class Effect:
    """The mean difference of two arms over their common random seeds, arm minus baseline.

    `p` is that of Student's paired t test for no difference, adjusted for all effects that were tested together.
    """

    label: str
    baseline: str
    difference: Estimate
    p: float

    @property
    def significant(self) -> bool:
        """Whether the difference is significant at 0.05, after the correction."""
        return bool(self.p < ALPHA)


def paired(study: StudyTables, values: pd.Series, label: str, baseline: str) -> np.ndarray:
    """Return values of an arm minus a baseline's by seed; NaN where a run gave none. values: indexed by run."""
    a, b = (study.by_seed(values, name) for name in (label, baseline))
    with np.errstate(invalid="ignore"):  # a layer of exact zeros in both: −inf minus −inf is no number
        return (a - b).reindex(a.index.intersection(b.index)).to_numpy(dtype=float)


def effects(study: StudyTables, values: pd.Series, pairs: list[tuple[str, str]]) -> list[Effect]:
    """Return the effect of each (arm, baseline) on a quantity, corrected for the number of pairs."""
    differences = [estimate_mean(paired(study, values, *pair)) for pair in pairs]
    p_values = adjusted([difference.p(0.0) for difference in differences])  # NaN: the same in every random seed
    return [Effect(*pair, difference, float(p)) for pair, difference, p in zip(pairs, differences, p_values)]


def without_end(study: StudyTables, effect: Effect) -> str:
    """Say which of an effect's arms has no end, and why; of an effect that has no value for it."""
    return study.no_end(effect.label) or study.no_end(effect.baseline) or "not measured"


def with_and_without(study: StudyTables, field: str, with_value, without_value) -> list[tuple[str, str]]:
    """Return the (arm, arm) pairs that differ in one setting alone and have these two values of it."""
    arms = settings_of_arms(study)
    chosen = arms[field].astype(str)
    return [
        (a, b)
        for a in arms.index[chosen == str(with_value)]
        for b in arms.index[chosen == str(without_value)]
        if _differing(arms, a, b) == [field]
    ]


def ablations(study: StudyTables) -> list[tuple[str, str]]:
    """Return (arm, baseline) for each arm: the study's first arm from which it differs in one thing of the same net.

    An optimizer with its learning rate, momentum and weight decay is one thing.
    """
    arms, pairs = settings_of_arms(study), []
    arms = arms.assign(source="", image_size="", channels="")  # the data set's name stands for them
    for number, label in enumerate(study.labels):
        for baseline in study.labels[:number]:
            changed = changed_settings(arms, label, baseline)
            if len(changed) == 1 and changed != ["architecture"]:
                pairs.append((label, baseline))
                break
    return pairs


def ablation_effects(study: StudyTables) -> dict[str, list[Effect]]:
    """Return {quantity in words: effects of each arm against its baseline}: decades at init and end, test accuracy."""
    pairs = ablations(study)
    accuracy = study.per_run["test_accuracy"]
    values: dict[str, pd.Series] = {
        "decades at init": study.run_decades(ACTIVATION_GRADIENT, "init"),
        "decades at the end": study.run_decades(ACTIVATION_GRADIENT, "end"),
        "test accuracy": accuracy,
    }
    return {name: effects(study, value, pairs) for name, value in values.items()}


OWN = "options "  # what a setting begins with that is an option of somebody's own network


def settings_of_arms(study: StudyTables) -> pd.DataFrame:
    """The settings of each arm, indexed by label; the options of its own network are a column each."""
    arms = study.runs.drop_duplicates("label").set_index("label")[study.settings]
    for name in {"options", "optimizer_options"} & set(arms):
        own = pd.DataFrame(
            [json.loads(text) if isinstance(text, str) and text else {} for text in arms.pop(name)], arms.index
        )
        arms = arms.join(own.map(repr).add_prefix(f"{name} "))
    return arms.astype(str)


def changed_settings(arms: pd.DataFrame, a: str, b: str) -> list[str]:
    """Return the settings in which two arms differ, of those that `settings_of_arms` gives.

    A data set's source and image size go by its name, an optimizer's rate and arguments by the optimizer.
    """
    differing = [name for name in _differing(arms, a, b) if name not in ("source", "image_size")]
    if "optimizer" not in differing:
        return differing
    return [name for name in differing if name not in OPTIMIZER_SETTINGS and not name.startswith("optimizer_options")]


def _differing(arms: pd.DataFrame, a: str, b: str) -> list[str]:
    return [name for name in arms.columns if arms.at[a, name] != arms.at[b, name]]
