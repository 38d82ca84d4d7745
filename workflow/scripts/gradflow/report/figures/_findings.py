"""What the figures of a study show, in a sentence that follows by rule from what is drawn."""

import numpy as np

from gradflow.analysis.ablations import Effect
from gradflow.analysis.what_helps import EXPLODING, HEALTHY, UNDECIDED, VANISHING, InitialArm
from gradflow.report.wording import power, signed

DONE_TO_IT = {VANISHING: "vanishes", EXPLODING: "explodes", HEALTHY: "is healthy", UNDECIDED: "is undecided"}


def gradient_and_learning(arms: list[InitialArm]) -> str:
    """Say in how many arms the gradient vanishes at init, explodes, ..., and whose accuracy is above chance."""
    said = []
    for profile, verb in DONE_TO_IT.items():
        some = [arm for arm in arms if arm.profile == profile]
        if some:
            of = f" of {len(arms)} arms" if not said and len(some) < len(arms) else " arms" if not said else ""
            said.append(f"{verb} in {'all ' if len(some) == len(arms) > 1 else ''}{len(some)}{of}{_learn(some)}")
    unknown = sum(arm.profile not in DONE_TO_IT for arm in arms)
    said += [f"is not known in {unknown}{' of them' if said else ''}"] if unknown else []
    return f"at init the gradient {', '.join(said)}".replace(" 1 arms", " 1 arm")


def _learn(arms: list[InitialArm]) -> str:
    count = sum(arm.learnt for arm in arms)
    if len(arms) == 1:
        return " (accuracy above chance)" if count else " (accuracy not above chance)"
    return f" ({'all' if count == len(arms) else count or 'none'} above chance)"


def what_arrives(ends: list[tuple[str, float]]) -> str:
    """Say where least and where most of the gradient arrives.

    ends: (network, log10 of its first layer's gradient at init over its last's).
    """
    known = sorted((value, label) for label, value in ends if np.isfinite(value))
    if not known:
        return "at init no network's gradient could be compared from the last layer to the first"
    (low, least), (high, most) = known[0], known[-1]
    also = f", {power(high)} times in {most}" if len(known) > 1 else ""
    return f"at init the first layer's gradient is {power(low)} times the last's in {least}{also}"


def dead_or_alive(sizes: dict[str, tuple[str, float]]) -> str:
    """Say in how many arms the first layer's weights are dead at init, and where their gradient is smallest.

    sizes: {arm: (the word for its size, log10 of its first layer's weight gradient)}.
    """
    known = {label: (word, size) for label, (word, size) in sizes.items() if word}
    if not known:
        return "the size of no weight's gradient at init is known"
    dead = [label for label, (word, _) in known.items() if word == "dead"]
    least = min(known, key=lambda label: known[label][1])
    count = f"{len(dead)} of {len(known)} arms" if dead else f"none of {len(known)} arms"
    smallest = f"its gradient is smallest in {least}: {power(known[least][1])}"
    return f"at init the first layer is dead in {count}; {smallest}".replace(" 1 arms", " 1 arm")


def what_changes(found: dict[str, list[Effect]]) -> str:
    """Say how many changes move the gradient at init, and how many the accuracy, significantly, and by how much."""
    said = []
    for name, what, digits in (("decades at init", "the gradient at init", 1), ("test accuracy", "the accuracy", 2)):
        judged = [one for one in found.get(name, []) if one.difference.n]
        sure = [one.difference for one in judged if one.significant and np.isfinite(one.difference.value)]
        if not judged:
            continue
        most = max(sure, key=lambda one: abs(one.value), default=None)
        by = f", by up to {signed(most, digits).split(' [')[0]}" if most else ""
        by += " decades" if most and name != "test accuracy" else ""
        counted = sum(one.significant for one in judged)
        said.append(f"{counted or 'none'} of {len(judged)} changes {'moves' if counted < 2 else 'move'} {what}{by}")
    return "; ".join(said) or "nothing could be compared"


def lowest_and_highest_loss(losses: dict[str, float]) -> str:
    """Say which arm's training loss ends lowest and which highest; losses: {arm: its mean in the last epoch}."""
    known = sorted((value, label) for label, value in losses.items() if np.isfinite(value))
    lost = [label for label, value in losses.items() if not np.isfinite(value)]
    said = "no training loss stayed finite"
    if known:
        (low, least), (high, most) = known[0], known[-1]
        also = f", and highest with {most} ({high:.2g})" if len(known) > 1 else ""
        said = f"the training loss ends lowest with {least} ({low:.2g} nats){also}"
    return said + (f"; with {'; '.join(lost)} it is not finite" if known and lost else "")
