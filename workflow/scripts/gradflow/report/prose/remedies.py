"""What helps: what each change makes of a vanishing gradient and of the accuracy, and what an optimizer only hides."""

from collections import Counter

from gradflow.analysis.ablations import Effect
from gradflow.analysis.what_helps import HIDES, MEANINGS, Comparison, InitialArm
from gradflow.report.wording import markdown_table, plain, signed


def remedies_table(found: list[Comparison]) -> str:
    """Tabulate comparisons: the decades at init and the test accuracy before and after, and the verdict."""
    rows = []
    for one in found:
        pairs = (one.before, one.after)
        decades = " → ".join(signed(arm.decades) for arm in pairs)
        reached = " → ".join(f"{arm.accuracy.value:.2f}" for arm in pairs)
        rows.append([plain(one.change), plain(one.network), decades, reached, f"**{one.verdict}**"])
    return markdown_table(["change", "network", "decades at init", "test accuracy", "verdict"], rows)


def meanings(found: list[Comparison]) -> str:
    """Say what the verdicts on some comparisons mean, and how often each fell."""
    counts = Counter(one.verdict for one in found)
    return "; ".join(f"**{word}** ({counts[word]}): {meaning}" for word, meaning in MEANINGS.items() if counts[word])


def in_short(name: str, found: list[Effect]) -> str:
    """Say in how many pairs of arms a setting raises or lowers the first layer's share at init, and by how much."""
    sure = [one.difference for one in found if one.significant]
    parts = []
    for verb, some in (("raises", [d for d in sure if d.value > 0]), ("lowers", [d for d in sure if d.value < 0])):
        if some:
            sizes = sorted((one.value for one in some), key=abs)
            span = " to ".join(f"{value:+.1f}".replace("-", "−") for value in dict.fromkeys((sizes[0], sizes[-1])))
            parts.append(f"{verb} it in {len(some)} ({span} decades)")
    said = " and ".join(parts) or "changes it significantly in none"
    pairs = f"{len(found)} pair{'s' if len(found) > 1 else ''} of arms that share all else"
    return f"The first layer's share of the gradient at init, in {pairs}: {name} {said}."


def what_is_hidden(found: list[Comparison]) -> str:
    """Say of each comparison of optimizers what the first layer has of the gradient, and of the first update."""
    said = []
    for one in (one for one in found if one.settings == ("optimizer",)):
        updates = [_first_update(arm) for arm in (one.before, one.after)]
        said.append(
            f"- **{plain(one.change)}** in {plain(one.network)}: the gradient is {signed(one.after.decades)} decades "
            f"at init, but the first update's profile, ‖ΔW‖/‖W‖, goes from {updates[0]} to {updates[1]} decades; test "
            f"accuracy {one.before.accuracy.value:.2f} → {one.after.accuracy.value:.2f}"
            + (": it **hides** the vanishing gradient." if one.verdict == HIDES else f" ({one.verdict}).")
        )
    return "\n".join(said)


def _first_update(arm: InitialArm) -> str:
    return signed(arm.study.per_arm(arm.study.run_decades("update_ratio", "one_step"))[arm.label])
