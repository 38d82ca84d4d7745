"""An explanation in words."""

import math

from gradflow.causes import CAUSES
from gradflow.propagation.explanation import DEAD, Explanation, Remedy

WORTH_A_WORD = 0.1  # decades
KNOWN_VARIANCES = ((1 / 3, "1/(3 fan-in)"), (1.0, "1/fan-in"), (2.0, "2/fan-in"))
CLOSE = 0.05  # of a variance to the one that has a name
OWNERS = {
    "gate": "the derivatives of its activations",
    "padding": "the zeros that pad its convolutions",
    "pooling": "its pooling",
    "norm": "its norms, which divide by the spread that they find",
    "skip": "its residual blocks, where the gradients of both ways add up",
    "dropout": "dropout, which enlarges what it keeps",
    "scale": "factors that scale or gate its activations",
    "attention": "attention",
    "branches": "branches that part, join or drop what flows",
    "coupling": "the coupling of one matrix forward and backward",
    "unknown": "operations without a rule, as they were measured",
}


def in_words(one: Explanation) -> str:
    """Return the verdict, what the decades are owed to, how well the prediction meets them, and what was noted."""
    lines = [*_change(one), *_head(one), _update_in_words(one)]
    lines += _remedies(one)
    if one.unknown:
        lines.append(f"Without a rule, bridged by what was measured: {', '.join(one.unknown)}.")
    return "\n".join([*lines, *one.notes])


def _change(one: Explanation) -> list[str]:
    decades, first, last = one.decades, one.layers[0].name, one.layers[-1].name
    if not math.isfinite(decades["measured"]):
        return [f"{one.verdict}: of the gradient at the last layer ({last}) nothing arrives at the first ({first})."]
    return [
        f"{one.verdict}: the gradient changes by {decades['measured']:+.2f} decades from the last layer ({last}) to "
        f"the first ({first}); predicted {decades['predicted']:+.2f}, residual {decades['residual']:+.2f}{_over(one)}.",
        _owed(one),
    ]


def _update_in_words(one: Explanation) -> str:
    if math.isnan(one.update):
        return "No layer on the way is trained."
    return f"At a learning rate of 1 the first layer that is trained moves by {one.update:.1e} of its size."


def _over(one: Explanation) -> str:
    return f" (means over {one.seeds} random seeds)" if one.seeds > 1 else ""


def _owed(one: Explanation) -> str:
    """Say which causes take and which give, the largest first."""
    shares = {cause: one.decades[cause] for cause in CAUSES if abs(one.decades[cause]) >= WORTH_A_WORD}
    lost = sorted((cause for cause in shares if shares[cause] < 0), key=shares.get)
    won = sorted((cause for cause in shares if shares[cause] > 0), key=shares.get, reverse=True)
    owners = OWNERS | {"weights": f"weights of variance {variance_in_words(one.variance)}"}
    parts = [
        f"it {verb} {', '.join(f'{abs(shares[cause]):.1f} to {owners[cause]}' for cause in causes)}"
        for verb, causes in (("loses", lost), ("owes a gain of", won))
        if causes
    ]
    return f"In decades, {'; '.join(parts)}." if parts else "No cause changes it by a tenth of a decade."


def _head(one: Explanation) -> list[str]:
    if one.head is None or not WORTH_A_WORD <= abs(one.head.measured) < math.inf:
        return []
    rest = one.decades["measured"] - one.head.measured
    return [
        f"Of that, {one.head.measured:+.2f} lie in the head, above the last convolution ({one.head.below}), and "
        f"{rest:+.2f} below it; {one.per_layer:+.3f} a layer by the median slope."
    ]


def _remedies(one: Explanation) -> list[str]:
    """Say which change would help, and which would not, as predicted."""
    lines = []
    for helps, verb in ((True, "would help"), (False, "would not be enough")):
        told = [f"{r.change} ({_change_in_words(r)})" for r in one.remedies if r.helps is helps and not r.failure]
        if told:
            lines.append(f"What {verb}: {', '.join(told)}.")
    if lines and math.isfinite(one.decades["predicted"]):
        lines[0] = lines[0].replace(":", f", predicted in place of {one.decades['predicted']:+.1f}:", 1)
    return lines + [
        f"Not tried: {r.change}, as the changed network fails ({r.failure})." for r in one.remedies if r.failure
    ]


def _change_in_words(remedy: Remedy) -> str:
    dead = f", and dead at {remedy.update:.0e}" if remedy.update < DEAD else ""
    return f"{remedy.predicted:+.1f}{dead}"


def variance_in_words(variance: float) -> str:
    """Return a weight variance, given times its fan-in, by the name of an initialisation's where it is close to one."""
    for value, name in KNOWN_VARIANCES:
        if abs(variance / value - 1) < CLOSE:
            return name
    return f"{variance:.2g}/fan-in"
