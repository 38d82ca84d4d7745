"""Question a: does the gradient vanish, and by what factor between which layers?"""

import numpy as np

from gradflow.analysis.claims.measures import ratio
from gradflow.analysis.statistics import estimate_mean
from gradflow.analysis.study import StudyTables
from gradflow.analysis.verdicts import arm_verdicts
from gradflow.report.wording import code, plain, times


def does_it_vanish(study: StudyTables, thresholds: dict) -> str:
    """Answer 002's question a: does the norm vanish, and by what factor between which layers."""
    verdicts, sentences = arm_verdicts(study, thresholds), []
    for label in study.labels:
        at_init, at_end = verdicts[label, "init"], verdicts[label, "end"]
        if at_end == study.no_end(label):
            sentences.append(f"- **{plain(label)}** is **{at_init}** at init; **{at_end}**.")
            continue
        said = f"- **{plain(label)}** is **{at_init}** at init and **{at_end}** at the end"
        sentences.append(said + _ratios_at_end(study, label))
    return "\n".join(sentences)


def _ratios_at_end(study: StudyTables, label: str) -> str:
    """Say how the gradients of an arm's 2nd and 10th, and of its first and last layer compare at the end."""
    names = study.layer_names(label)
    last = len(names) - 1
    if last == 0:
        return f"; it has one layer ({code(names[0])}), and nothing to compare it with."
    pairs = [pair for pair in ((1, min(9, last - 1)), (0, last)) if pair[0] < pair[1]]
    found = [estimate_mean(study.by_seed(ratio(study, "end", [names[a], names[b]]), label)) for a, b in pairs]
    if not np.isfinite([one.value for one in found]).all():
        return "; at the end of training its layers have no finite ratio."
    whole = f"{times(found[-1])} that of the last ({code(names[last])})."
    if len(pairs) == 1:
        return f". At the end of training the gradient of the first layer is {whole}"
    a, b = pairs[0]
    return (
        f". At the end of training the gradient of layer {a + 1} ({code(names[a])}) is {times(found[0])} that of layer "
        f"{b + 1} ({code(names[b])}), and that of the first layer {whole}"
    )
