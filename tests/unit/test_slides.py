"""The slides say what the tables say, and turn with them; there are ten of any run, and names in them are text."""

import pytest
from test_summary import CHANCE, DATA, LEARNT, arm, inits, words

from gradflow.analysis.tables import empty_table
from gradflow.report.slides import slides, write_slides
from gradflow.thresholds import THRESHOLDS
from synthetic import write_study_tables

HOSTILE = "</section><script>alert(1)</script>"


def ten(folder, studies: dict) -> list:
    """The slides of studies of these arms."""
    if studies:
        write_study_tables(folder / "tables", studies)
    nothing = empty_table("claims"), empty_table("depth_at_init"), None, "snakemake --cores 4"
    shown = slides(folder / "tables", list(studies), THRESHOLDS, DATA, *nothing)
    assert len(shown) == 10
    return shown


@pytest.mark.parametrize(
    ("default", "he", "told"),
    [
        (
            (-6, CHANCE),
            (-0.2, LEARNT),
            ["Gradients vanish in 1 of 2", "becomes", "1 of 1 changes bring", "Every change that was tried helps"],
        ),
        (
            (-6, CHANCE),
            (-0.2, CHANCE),
            ["Gradients vanish in 1 of 2", "becomes", "Nothing that was tried helps", "a network that learns: 1 of 1"],
        ),
        (
            (0.2, LEARNT),
            (-0.2, LEARNT),
            ["No gradient vanishes in the 2", "The gradient of each layer", "nothing to mend", "No change was tried"],
        ),
    ],
    ids=["helps", "gradient alone", "healthy"],
)  # fmt: skip
def test_the_findings_are_the_truth_and_turn_with_it(tmp_path, default, he, told):
    shown = ten(tmp_path, {"one": inits(default, he)})
    for slide, part in zip([*shown[1:3], *shown[4:6]], told):
        assert part in slide.finding


def test_what_was_not_measured_is_said(tmp_path):
    findings = [slide.finding for slide in ten(tmp_path, {})]
    for part in ("no network", "No network of this run was explained", "not measured here", "No claim was asked"):
        assert any(part in finding for finding in findings), part


def test_an_optimizer_that_hides_is_told_and_one_that_does_not(tmp_path):
    made = {
        "VGG-Deep, SGD": arm(-6, CHANCE, init="default", optimizer="sgd"),
        "VGG-Deep, Adam": arm(-6, LEARNT, init="default", optimizer="adam"),
    }
    hidden = ten(tmp_path / "one", {"one": made})[6]
    assert "(1 of 1 comparisons)" in hidden.finding or "hides no" in hidden.finding
    assert "Adam for SGD" in hidden.text
    assert (
        ten(tmp_path / "two", {"one": inits((-6, CHANCE), (0, LEARNT))})[6].finding
        == "No optimizers were compared here"
    )


def test_names_are_text_and_a_page_is_the_same_bytes_again(tmp_path):
    made = {f"VGG-Deep, {HOSTILE}": arm(-6, CHANCE, init="default"), "VGG-Deep, He": arm(0, LEARNT, init="he")}
    shown = ten(tmp_path, {"one": made})
    for name in ("a", "b"):
        write_slides(tmp_path / f"{name}.html", "", shown)
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert page.count("<section>") == page.count("</section>") == 10
    assert "<script" not in page and "alert(1)" in words(page)
    assert (tmp_path / "b.html").read_text(encoding="utf-8") == page
