"""What one setting changes, said in words: pairs of arms that share everything else, random seeds included."""

import numpy as np
import pandas as pd

from gradflow.effects import ACTIVATION_GRADIENT, Effect, ablation_effects, effects, with_and_without
from gradflow.study_tables import StudyTables
from gradflow.wording import change, markdown_table, signed

COSTS = ["parameters_full", "mflop_full", "activation_mib_full"]


def effect(study: StudyTables, field: str, with_value, without_value, name: str) -> str:
    """Answer c and d: what a setting changes, in arms that share everything else, random seeds included."""
    pairs = with_and_without(study, field, with_value, without_value)
    at_init, at_end = (
        effects(study, study.run_decades(ACTIVATION_GRADIENT, moment), pairs) for moment in ("init", "end")
    )
    sentences = [
        f"- **{first.label}**: at init {name} {change(first.difference, first.certain)}; at the end of training it "
        f"{change(last.difference, last.certain)}."
        for first, last in zip(at_init, at_end)
    ]
    return "\n".join(sentences) or "No two arms of this run differ in this setting alone."


def ablation_table(study: StudyTables) -> str:
    """Tabulate what each arm changes against the one from which it differs in one thing; bold is certain."""
    found = ablation_effects(study)
    rows = []
    for row in zip(*found.values()):
        cells = [_said(one, 2 if name == "test accuracy" else 1) for name, one in zip(found, row)]
        rows.append([row[0].label, row[0].baseline, *cells])
    return markdown_table(["arm", "against", *(f"change of {name}" for name in found)], rows)


def summary(study: StudyTables) -> str:
    """Answer e: the ablation's findings in sentences; what is not certain is not called a finding."""
    return " ".join(_finding(name, found) for name, found in ablation_effects(study).items())


def cost_of_arms(study: StudyTables, cost: pd.DataFrame) -> str:
    """Tabulate what each arm's network costs at full width, where the arms' networks differ; "" where they do not."""
    keys = [name for name in cost.columns if name in (*study.settings, "classes")]
    arms = study.runs.drop_duplicates("label")
    joined = arms[["label", *keys]].astype(str).merge(cost[[*keys, *COSTS]].astype(dict.fromkeys(keys, str)), on=keys)
    if joined["parameters_full"].nunique() < 2:
        return ""
    networks = joined.drop_duplicates(COSTS)  # an optimizer or an initialisation costs nothing here
    rows = [
        [label, f"{int(parameters):,}", f"{flops:,.0f}", f"{memory:.1f}"]
        for label, parameters, flops, memory in networks[["label", *COSTS]].itertuples(index=False)
    ]
    head = ["network of the arm, at full width", "parameters", "MFLOP per image", "activations, gradients, MiB"]
    return markdown_table(head, rows)


def filters_table(study: StudyTables) -> str:
    """Tabulate the smoothness of the first convolution's filters before and after training."""
    columns = ("filters_before", "filters_after")
    found = [study.per_arm(study.per_run[name]) for name in columns]
    rows = [[label, *(signed(values[label], 2) for values in found)] for label in study.labels]
    return markdown_table(["arm", "smoothness before training", "after"], rows)


def _finding(name: str, found: list[Effect]) -> str:
    sure = sorted((one for one in found if one.certain), key=lambda one: -abs(one.difference.mean))
    if not sure:
        return f"No change of the {name} is told from none."
    digits = 2 if name == "test accuracy" else 1
    said = "; ".join(f"{one.label} against {one.baseline} {_size(one, digits)}" for one in sure[:3])
    rest = f", and {len(sure) - 3} smaller" if len(sure) > 3 else ""
    judged = sum(not np.isnan(one.p) for one in found)
    return f"A change of the {name} is certain in {len(sure)} of {judged} pairs that differ: {said}{rest}."


def _size(one: Effect, digits: int) -> str:
    """A difference in words; an infinite one comes of a gradient that is exactly zero in an arm."""
    return "to or from exactly zero" if np.isnan(one.difference.mean) else signed(one.difference, digits)


def _said(one: Effect, digits: int) -> str:
    said = _size(one, digits) if one.certain else signed(one.difference, digits)
    return f"**{said}**" if one.certain else said
