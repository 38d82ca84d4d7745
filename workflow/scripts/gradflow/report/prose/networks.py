"""Where gradients vanish: the distinct networks of a run, each once however many studies have it."""

from collections import Counter

import numpy as np

from gradflow.analysis.profiles import PROFILES
from gradflow.analysis.verdicts import arm_verdicts
from gradflow.analysis.what_helps import InitialArm
from gradflow.report.prose.summary import networks
from gradflow.report.wording import accuracy, markdown_table, plain, signed


def distinct_arms(arms: list[InitialArm]) -> list[list[InitialArm]]:
    """Return the arms, those that share their runs together: one may stand in several studies under several names."""
    found: dict[frozenset, list[InitialArm]] = {}
    for arm in arms:
        found.setdefault(arm.runs, []).append(arm)
    return list(found.values())


def where(arms: list[InitialArm], thresholds: dict) -> str:
    """Say in how many networks, distinct before training, the gradient vanishes, and in which the layers are dead."""
    every = networks(arms)
    counts = Counter(arm.profile for arm in every)
    told = [f"{counts.pop(word)} {word}" for word in PROFILES if word in counts]
    told += [f"{count} {word}" for word, count in counts.items()]
    verdicts = _verdicts(arms, thresholds)
    dead = [arm for arm in every if ", dead" in verdicts[arm.study.name][arm.label, "init"]]
    names = "; ".join(f"{arm.label} ({arm.profile})" for arm in dead)
    said = f"Of the {len(every)} networks that differ before training, at init: {', '.join(told)}."
    size = f" In {len(dead)} the first layer is dead at init, whatever the profile: {names}." if dead else ""
    return said + (size or " In none of them is the first layer dead at init.")


def extremes(arms: list[InitialArm]) -> str:
    """Say which network has the lowest share of the gradient left at the first layer, and which the highest."""
    shown = sorted((a for a in networks(arms) if np.isfinite(a.decades.middle)), key=lambda arm: arm.decades.middle)
    ends = [(arm.label, f"{signed(arm.decades)} decades") for arm in shown[:: max(len(shown) - 1, 1)]]
    return ": from " + " to ".join(f"{label} ({value})" for label, value in ends) + "." if ends else "."


def networks_table(arms: list[InitialArm], thresholds: dict) -> str:
    """Tabulate the distinct arms, lowest decades first: verdicts at init and at the end, accuracy, aliases."""
    verdicts, rows = _verdicts(arms, thresholds), []
    for same in sorted(distinct_arms(arms), key=lambda same: np.nan_to_num(same[0].decades.middle, nan=np.inf)):
        arm = same[0]
        runs = arm.study.runs[arm.study.runs["label"] == arm.label]
        names = list(dict.fromkeys(f"{one.study.title}: {one.label}" for one in same))
        verdict = verdicts[arm.study.name]
        rows.append([
            "<br>".join(plain(name) for name in names), signed(arm.decades), verdict[arm.label, "init"],
            verdict[arm.label, "end"], accuracy(runs["test_accuracy"]), "yes" if arm.learnt else "no",
        ])  # fmt: skip
    head = ["study: arm", "decades at init", "at init", "at the end", "test accuracy", "above chance"]
    return markdown_table(head, rows)


def _verdicts(arms: list[InitialArm], thresholds: dict) -> dict[str, dict]:
    return {name: arm_verdicts(study, thresholds) for name, study in {a.study.name: a.study for a in arms}.items()}
