"""What the notebook says in short follows from its tables: networks, remedies, random networks, claims, citation."""

import numpy as np
import pytest
import yaml

from conftest import ROOT
from gradflow.analysis.ablations import Effect
from gradflow.analysis.claims.evidence import gather
from gradflow.analysis.claims.settle import settle
from gradflow.analysis.statistics import estimate_mean
from gradflow.analysis.study import read_study
from gradflow.analysis.what_helps import arms_of, comparisons, distinct
from gradflow.report.notebook_figures import where_figure
from gradflow.report.prose.citation import bibtex, how_to_cite
from gradflow.report.prose.claims import decided_table, why_undecided
from gradflow.report.prose.networks import extremes, networks_table, where
from gradflow.report.prose.random_mlps import (
    healthy_but_tiny,
    instead_of_default,
    instead_of_sigmoid,
    ratio_and_size,
    sigmoids_slope,
)
from gradflow.report.prose.remedies import in_short, remedies_table, what_is_hidden
from gradflow.report.prose.verdicts import how_many_learnt
from gradflow.thresholds import THRESHOLDS
from synthetic import a_run, claim, result, vanishes, write_study_tables


def arm(decades: float, update: float | None = None, **settings) -> list:
    made = [result(a_run("vgg_deep", seed=seed, **settings), decades, 0.8) for seed in range(3)]
    for one in made if update is not None else []:
        one.arrays["update_ratio"] = one["update_ratio"] * 0 + np.geomspace(
            10.0**update, 1, one["update_ratio"].shape[1]
        )
    return made


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """Two studies that share an arm under two names; of optimizers, one of which hides."""
    folder = tmp_path_factory.mktemp("two") / "tables"
    shared = arm(-6, -6, init="default", optimizer="sgd")
    write_study_tables(
        folder,
        {
            "inits": {"default": shared, "He": arm(-0.3, init="he", optimizer="sgd")},
            "optimizers": {"SGD": shared, "Adam": arm(-6, 0, init="default", optimizer="adam")},
        },
    )
    return [read_study(folder, name) for name in ("inits", "optimizers")]


@pytest.fixture(scope="module")
def arms(studies):
    return [arms_of(study, THRESHOLDS) for study in studies]


def test_an_arm_of_two_studies_is_one_row_with_both_its_names(arms):
    every = [one for some in arms for one in some.values()]
    table = networks_table(every, THRESHOLDS)
    rows = table.splitlines()[2:]
    assert len(rows) == 3 and "Study inits&#58; default<br>Study optimizers&#58; SGD" in table
    assert "vanishing" in rows[0] and "He | −0.3" in rows[-1]  # the lowest first


def test_where_counts_networks_that_differ_before_training(arms):
    every = [one for some in arms for one in some.values()]
    assert where(every, THRESHOLDS).startswith(
        "Of the 2 networks that differ before training, at init: 1 vanishing, 1 h"
    )
    assert "default (−6.0 [" in extremes(every) and "to He (−0.3 [" in extremes(every)
    drawn = where_figure(list(arms[0].values()), THRESHOLDS, "an <alt>")
    assert 'aria-label="an &lt;alt&gt;"' in drawn and ">He<" in drawn and ">default<" in drawn


def test_what_helps_is_a_row_a_change_and_what_an_optimizer_hides_is_said_with_its_update(arms):
    found = distinct([one for some in arms for one in comparisons(some)])
    (row, hides) = remedies_table(found).splitlines()[2:]
    assert "He init for torch default init" in row and " → −0.3" in row and "**helps**" in row
    assert hides.endswith("| **hides** |")
    assert "goes from −6.0 [−6.0, −6.0] to +0.0 [+0.0, +0.0] decades" in what_is_hidden(found).replace("−0.0", "+0.0")
    assert "it **hides** the vanishing gradient" in what_is_hidden(found)


def test_how_many_have_learnt_counts_an_arm_once(studies):
    assert how_many_learnt(studies, THRESHOLDS).startswith("Of 3 distinct arms 0 have learnt")
    assert how_many_learnt(studies, THRESHOLDS | {"learnt_above": 0.5}).startswith("Of 3 distinct arms 3 have")


@pytest.mark.parametrize(
    ("differences", "p", "said"),
    [
        ([3, 5], 0.01, "the skip raises it in 2 (+3.0 to +5.0 decades)."),
        ([-3, 5], 0.01, "the skip raises it in 1 (+5.0 decades) and lowers it in 1 (−3.0 decades)."),
        ([3, 5], 0.2, "the skip changes it significantly in none."),
    ],
)
def test_pairs_of_arms_in_short(differences, p, said):
    effects = [Effect("a", "b", estimate_mean(np.array([value, value])), p) for value in differences]
    assert in_short("the skip", effects).endswith(f"in 2 pairs of arms that share all else: {said}")


def norms(log: float, size: float) -> np.ndarray:
    """A hundred networks of five layers: first over last weight gradient 10**log, the first's norm 10**size."""
    drawn = np.full((100, 10), 10.0 ** (size - log))
    drawn[:, 0] = 10.0 ** (size + np.random.default_rng(0).normal(0, 0.01, 100))
    return drawn


def test_a_healthy_ratio_of_a_tiny_gradient_is_named_and_the_table_has_both():
    draws = {"sigmoid-default": norms(-4, -4), "relu-default": norms(0.1, -12), "relu-he": norms(0.2, -1)}
    draws |= {"sigmoid-he": norms(-2, -2)}
    assert healthy_but_tiny(draws, THRESHOLDS).endswith(": ReLU with torch default init (1.0·10⁻¹²).")
    assert healthy_but_tiny({"relu-he": draws["relu-he"]}, THRESHOLDS) == ""
    table = ratio_and_size(draws, THRESHOLDS)
    assert "**vanishing**<br>ratio 1.0·10⁻⁴<br>size 1.0·10⁻⁴" in table.replace("9.9·10⁻⁵", "1.0·10⁻⁴")
    assert "**healthy**<br>ratio 1.3<br>size 1.0·10⁻¹²" in table
    assert sigmoids_slope(draws, 5).startswith("Measured, a layer: 0.1 with torch default, 0.3")
    assert "ReLU +4.1 [" in instead_of_sigmoid(draws)
    assert instead_of_default(draws).endswith("decades of the ratio: He +0.1 to +2.0.")


def test_random_networks_that_were_not_drawn_are_not_spoken_of():
    draws = {"relu-he": norms(0.2, -1)}
    assert sigmoids_slope(draws, 5) == "No sigmoid was drawn." and instead_of_sigmoid(draws).startswith("No two")
    assert instead_of_default(draws).startswith("No initialisation was drawn beside")


def test_decided_claims_stand_supported_first_and_the_others_by_their_reason(studies):
    asked = {
        "N1": vanishes(study="gone"),
        "R": vanishes(study="inits", arm={"init": "he"}),
        "N2": vanishes(study="gone"),
        "S": vanishes(study="inits", arm={"init": "default"}),
    }
    evidence = gather(studies[0].folder.iterdir())
    table = settle([{**claim(test)[0], "id": name} for name, test in asked.items()], evidence)
    supported, refuted = decided_table(table).splitlines()[2:]
    assert "**S**" in supported and "✓\u00a0supported" in supported and "<summary>1 of 1 hold</summary>" in supported
    assert "**R**" in refuted and "✗\u00a0refuted" in refuted and "decades at init: −0.28" in refuted
    assert why_undecided(table) == "- the study gone was not run: N1, N2"


def test_bibtex_is_the_librarys_and_names_the_commits(studies):
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    data = [{"name": "digits", "fingerprint": "ab" * 32}]
    said = how_to_cite(studies, data, citation)
    assert f"version = {{{citation['version']}}}" in said and f"{{{citation['title']}}}" in said
    assert "note    = {commit 0000000000}" in said and "<code>digits</code> (<code>abababababababab</code>)" in said
    assert "numpy" in said and "note" not in bibtex(citation, ["unknown"])
