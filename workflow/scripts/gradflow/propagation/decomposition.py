"""The decomposition of a gradient's change on its way down: which cause it owes how many decades to.

Between two nodes that every gradient passes (cuts) lies one operation, or a block with branches. Each step's decades,
log10 of the norm after over the norm before, go to one cause, so that all steps add up to the whole. The weights are
counted as fan-in · Var W / 2 and the gates as 2 E φ′² where a gate follows them, so that He's initialisation with ReLU
counts as nothing (He et al. 2015, eq. 14).
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from gradflow.propagation.graph import Graph
from gradflow.propagation.independence import Passes
from gradflow.propagation.operations import CAUSE_OF, dropped_share, operation

HALF = 0.5 * math.log10(2)
ELEMENTWISE = {"gate", "scale", "skip", ""}
NOTHING = 1e-6  # decades of a step that only arranges


@dataclass(frozen=True)
class Step:
    """What lies between a cut and the next one down: a cause, its decades, and both nodes."""

    cause: str
    decades: float
    above: object
    below: object


def decompose(graph: Graph, cuts: list, passes: Passes) -> list[Step]:
    """Return the steps from the first cut to the last, with their causes."""
    steps: list[Step] = []
    uses = set(graph.use_at())
    for above, below in pairwise(cuts):
        whole = passes.norm(below) - passes.norm(above)
        steps += _steps(graph, uses, above, below, whole, passes)
    return _paired(steps)


def _steps(graph: Graph, uses: set, above, below, whole: float, passes: Passes) -> list[Step]:
    if above in uses:
        parts = {name: passes.part(above, name) for name in ("padding", "coupling")}
        own = whole - sum(parts.values())
        return [
            Step(cause, decades, above, below) for cause, decades in {"weights": own, **parts}.items() if decades != 0
        ]
    inside = _region(graph, above, below)
    return [Step(_cause(uses, above, inside), whole, above, below)]


def _region(graph: Graph, above, below) -> set:
    """Return the nodes between two cuts, with the upper one."""
    found, pending = {above}, [above]
    while pending:
        for _, node, _ in graph.following[pending.pop()]:
            if node is not below and node in graph.following and node not in found:
                found.add(node)
                pending.append(node)
    return found


def _cause(uses: set, above, inside: set) -> str:
    weighted = not inside.isdisjoint(uses)
    kinds = {CAUSE_OF.get(operation(node), "unknown") for node in inside}
    kind = CAUSE_OF.get(operation(above), "unknown")
    if len(inside) == 1:
        if kind == "scale" and dropped_share(above) is not None:
            return "dropout"
        return kind or "branches"
    if kinds <= ELEMENTWISE and not weighted and "gate" in kinds:
        return "gate"  # an activation that is written out in several operations
    if kinds <= {*ELEMENTWISE, "norm", "pooling"} and not weighted:
        return "norm"  # a norm that is written out
    return kind if kind in ("skip", "branches", "scale", "attention") else "branches"


def _paired(steps: list[Step]) -> list[Step]:
    """Move ½ log10 2 from the weights to the gate that follows them."""
    moved, waiting = list(steps), None
    for number, step in enumerate(steps):
        if step.cause == "weights":
            waiting = number
        elif step.cause == "gate" and waiting is not None:
            moved[waiting] = _changed(moved[waiting], -HALF)
            moved[number] = _changed(step, HALF)
            waiting = None
        elif step.cause in ("skip", "branches", "attention", "unknown") and abs(step.decades) > NOTHING:
            waiting = None
    return moved


def _changed(step: Step, decades: float) -> Step:
    return Step(step.cause, step.decades + decades, step.above, step.below)
