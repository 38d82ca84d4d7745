"""How sure a verdict is: how often it would stay with other random seeds, and the power of the rule that gave it.

Both start from a pool: the same studies, trained with random seeds that the run does not use. Verdicts on random seeds
that are drawn from the pool say how often a verdict *stays*. The rule's *power* is how often it gives the verdict when
values are drawn from normal distributions with the pool's means and standard deviations (for a null effect: how often
it ends within the margin). Power at the effect that a run itself has seen would be its p-value in other words.
"""

import numpy as np
import pandas as pd

from gradflow.analysis.claims.evidence import Missing, estimate_samples, kind_of
from gradflow.analysis.claims.settle import (
    Settled,
    alpha_of,
    claim_verdict,
    judge_estimate,
    look_by_look,
    settle_tests,
)
from gradflow.analysis.statistics import NOTHING

DRAWS = 200
Samples = list[np.ndarray]  # of a test: one sample, or two independent ones, in the order of their random seeds


def stability_table(claims: list[dict], run: dict, pool: dict, seed: int = 0, draws: int = DRAWS) -> pd.DataFrame:
    """Return how sure each claim's verdict is: columns id, verdict, n, effect, stays, power.

    Parameters
    ----------
    claims : as `gradflow.analysis.claims.schema.read_claims` returns them.
    run, pool : evidence of the run, and of the same studies with other random seeds, more of them.
    seed : of the draws.

    Returns
    -------
    verdict : that of the run. n : the random seeds of its tests. effect : their values in the pool. stays, power :
    shares of `draws`; NaN of a claim of which no test is about random seeds.
    """
    generator = np.random.default_rng(seed)
    rows = []
    for claim in claims:
        settled = settle_tests(claim, run)
        verdict = claim_verdict([one.outcome for one in settled])
        tests = [_Test(test, one, run, pool) for test, one in zip(claim["tests"], settled)]
        effects = [one.effect for one in tests]
        row = {"id": claim["id"], "verdict": verdict, "n": [one.estimate.n for one in settled], "effect": effects}
        for name, draw in (("stays", _from_pool), ("power", _from_normal)):
            found = [_verdict(tests, draw(tests, generator)) for _ in range(draws if any(map(_is_drawn, tests)) else 0)]
            row[name] = np.mean([other == verdict for other in found]) if found else np.nan
        rows.append(row)
    return pd.DataFrame(rows)


class _Test:
    """A test of a claim: what came of it in the run, and its values in the pool, none if they are not drawn."""

    def __init__(self, test: dict, settled: Settled, run: dict, pool: dict):
        kind = kind_of(test)
        self.test, self.settled = test, settled
        self.looks = kind.looks(test, run[kind.key])
        self.alpha = alpha_of(len(self.looks))
        told = settled.is_open or settled.is_settled
        found = _samples(test, pool, None) if told else []
        self.seeds: list[pd.Index] = [one.index for one in found]
        self.samples: Samples = [one.to_numpy(float) for one in found]
        initial = _samples(test, run, 0)  # what has its random seeds at once, whatever the look
        self.fixed = max(map(len, initial)) if initial else None

    @property
    def effect(self) -> float:
        """The value in the pool."""
        return estimate_samples(self.samples).value if self.samples else self.settled.estimate.value

    def judged(self, values: Samples, look: int) -> Settled:
        """What comes of it at a look, by values in the order in which they come."""
        if not values:
            return self.settled
        if not self.fixed and look < self.looks[0]:
            return Settled(NOTHING, "nothing is trained yet")
        return judge_estimate(estimate_samples([one[: self.fixed or look] for one in values]), self.test, self.alpha)


def _is_drawn(test: _Test) -> bool:
    return bool(test.samples)


def _samples(test: dict, evidence: dict, look: int | None) -> list[pd.Series]:
    """The values of a test by random seed, at a look or all; none where it has no such values."""
    kind = kind_of(test)
    if kind.samples is None:
        return []
    found = evidence[kind.key]
    try:
        samples = kind.samples(test, found if look is None else kind.until(found, look))
    except Missing:
        return []
    return samples if all(one.notna().sum() > 1 for one in samples) else []


def _from_pool(tests: list[_Test], generator: np.random.Generator) -> list[Samples]:
    """The pool's values in an order drawn at random, the same for all tests: what shares runs shares luck."""
    seeds = pd.Index(sorted({seed for test in tests for each in test.seeds for seed in each}))
    rank = generator.permutation(len(seeds))
    return [
        [sample[np.argsort(rank[seeds.get_indexer(of)])] for sample, of in zip(test.samples, test.seeds)]
        for test in tests
    ]


def _from_normal(tests: list[_Test], generator: np.random.Generator) -> list[Samples]:
    """Values drawn from normal distributions like the pool's, as many as a test has at the most."""
    return [
        [_normal_like(sample, test.fixed or test.looks[-1], generator) for sample in test.samples] for test in tests
    ]


def _normal_like(sample: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    finite = sample[np.isfinite(sample)]
    return generator.normal(finite.mean(), finite.std(ddof=1), count)


def _verdict(tests: list[_Test], values: list[Samples]) -> str:
    looks = sorted({look for test in tests for look in test.looks})

    def judge(place: int, look: int) -> Settled:
        return tests[place].judged(values[place], look)

    settled = look_by_look(looks, [test.alpha for test in tests], judge)
    return claim_verdict([one.outcome for one in settled])
