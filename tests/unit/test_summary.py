"""The opening page says what the tables say, and turns with them; names in it are text."""

import html
import re

import numpy as np
import pytest
from docutils.core import publish_parts
from jinja2 import Environment

from conftest import ROOT
from gradflow.analysis.tables import empty_table
from gradflow.report.summary import summary_body, write_summary
from gradflow.report.summary_figures import FAINT, INK, PAPER, whole_ticks
from gradflow.thresholds import THRESHOLDS
from synthetic import a_run, result, write_study_tables

DATA = [{"name": "digits", "counts": {"train": 1258}, "stored": [32, 32]}]
CHANCE, LEARNT = 0.33, 0.8  # of three classes


def arm(decades: float, accuracy: float, **settings) -> list:
    """An arm of VGG-Deep with three random seeds."""
    made = [a_run("vgg_deep", seed=seed, **settings) for seed in range(3)]
    return [result(run, decades, accuracy, status="stalled" if accuracy == CHANCE else "completed") for run in made]


def body(folder, arms: dict, name: str = "one") -> str:
    """The opening page on one study of these arms."""
    write_study_tables(folder / "tables", {name: arms})
    return summary_body(folder / "tables", [name], THRESHOLDS, DATA, empty_table("claims"))


def words(page: str) -> str:
    """What a page says, pictures included."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def inits(default: tuple[float, float], he: tuple[float, float]) -> dict:
    return {
        "VGG-Deep, torch default init": arm(*default, init="default"),
        "VGG-Deep, He init": arm(*he, init="he"),
    }


@pytest.mark.parametrize(
    ("default", "he", "told"),
    [
        ((-6, CHANCE), (-0.2, LEARNT), ["vanish in 1 of 2 networks; what helps: another initialisation", "helps"]),
        ((-0.2, LEARNT), (-6, CHANCE), ["Most is won by torch default init for He init in VGG-Deep", "helps"]),
        ((-6, CHANCE), (-0.2, CHANCE), ["and nothing that was tried helps", "gradient alone"]),
        ((-6, CHANCE), (5, LEARNT), ["and nothing that was tried helps", "learns all the same"]),
        ((-6, CHANCE), (5, CHANCE), ["and nothing that was tried helps", "explodes"]),
        ((-6, CHANCE), (-4, LEARNT), ["vanish in 2 of 2 networks, and nothing", "does not help"]),
        ((0.2, LEARNT), (-0.2, LEARNT), ["No gradient vanishes in the 2 networks of this run"]),
        ((0.2, LEARNT), (5, LEARNT), ["No gradient vanishes", "It explodes in 1: VGG-Deep, He init."]),
    ],
    ids=["helps", "turned round", "no accuracy", "learns", "explodes", "no help", "healthy", "exploding alone"],
)
def test_the_story_is_the_truth_and_turns_with_it(tmp_path, default, he, told):
    said = words(body(tmp_path, inits(default, he)))
    assert all(part in said for part in told), said
    verdicts = set(re.findall(r"<th scope=row>([^<]*)</th>", body(tmp_path / "again", inits(default, he))))
    assert verdicts == set(told[1:]) & {"helps", "gradient alone", "learns all the same", "explodes", "does not help"}


def test_the_numbers_are_the_tables_own(tmp_path):
    said = words(body(tmp_path, inits((-6, CHANCE), (-1, LEARNT))))
    # eleven steps from layer to layer: 10^(-6/11), 10^(-1/11)
    assert re.search(
        r"multiplied by 0\.2[789] \[0\.2\d, 0\.\d+\] a layer, and by \d\.\d·10⁻[⁶⁷] over 12 layers", said
    ), said
    assert re.search(r"He init for torch default init in VGG-Deep: 0\.2[789] a layer becomes 0\.8\d", said), said
    assert "and the test accuracy 0.3" in said and re.search(r"becomes 0\.[78]\d\.", said), said
    assert "digits: 1,258 training images of 32×32" in said and "of 6 runs 3 stalled" in said


def test_an_optimizer_that_only_rescales_the_update_hides(tmp_path):
    arms = {"SGD": arm(-6, CHANCE, init="he", optimizer="sgd"), "Adam": arm(-6, CHANCE, init="he", optimizer="adam")}
    for one in arms["Adam"]:
        one.arrays["update_ratio"] = np.ones_like(one["update_ratio"])
    said = words(body(tmp_path, arms))
    assert "hides Adam for SGD" in said and "nothing that was tried helps" in said


def test_a_remedy_is_told_in_its_own_direction_alone(tmp_path):
    """To take a skip away is no remedy, even where the gradient vanishes with it."""
    arms = {"with": arm(-6, CHANCE, init="he", batch_norm=True), "without": arm(0, LEARNT, init="he", batch_norm=False)}
    assert "<th" not in body(tmp_path, arms)


def test_a_run_without_a_study_has_its_page(tmp_path):
    said = words(summary_body(tmp_path, [], THRESHOLDS, [], empty_table("claims")))
    assert "This run trained no network of a study" in said


def test_the_page_and_the_reports_text_show_the_same_and_names_are_text(tmp_path):
    hostile = "<script>alert(1)</script> {{ 1/0 }} {% endraw %} & `x`_ $x_{$"
    page = body(tmp_path, {hostile: arm(-6, CHANCE, init="default"), "He": arm(0, LEARNT, init="he")})
    write_summary(tmp_path / "a.rst", tmp_path / "a.html", ".gradflow {}", "*The introduction.*\n", page, True)
    text = (tmp_path / "a.rst").read_text()
    assert max(map(len, text.splitlines())) < 10_000
    shown = publish_parts(Environment().from_string(text).render(), writer="html")["html_body"]
    alone = (tmp_path / "a.html").read_text()
    for one in (shown, alone):
        assert "<script" not in one and hostile in html.unescape(one)
        assert one.count("<svg") == 2 and one.count('role="img" aria-label="') == 2
    assert words(page) in words(shown) and "The introduction." in shown and words(page) in words(alone)


def test_pictures_are_in_the_pages_own_colours_and_share_no_ids(tmp_path):
    page = body(tmp_path, inits((-6, CHANCE), (-0.2, LEARNT)))
    assert not re.search(f"{INK}|{PAPER}|{FAINT}", page) and "currentColor" in page and "<style" not in page
    names = re.findall(r' id="([^"]*)"', page)
    assert len(names) == len(set(names))
    assert set(re.findall(r"url\(#([^)]*)\)", page)) | set(re.findall(r'href="#([^"]*)"', page)) <= set(names)


def test_what_the_pages_stylesheet_names_is_there(tmp_path):
    style = (ROOT / "report" / "style.css").read_text()
    page = body(tmp_path, inits((-6, CHANCE), (-0.2, LEARNT)))
    assert {"gradflow", "pictures", "limits"} <= set(re.findall(r"\.([a-z]+)", style))
    for name in ("gradflow", "pictures", "limits"):
        assert f'class="{name}"' in page


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(-1.6, 1.4, [-1, 0, 1]), (-22.5, 4.8, [-20, -15, -10, -5, 0]), (-320, 3, [-300, -250, -200, -150, -100, -50, 0])],
)
def test_axes_count_whole_decades(low, high, ticks):
    assert whole_ticks(low, high) == ticks


def test_a_picture_of_very_many_layers_stays_readable_for_docutils(tmp_path):
    path = " ".join(f"L {i} {i}" for i in range(5000))
    write_summary(
        tmp_path / "a.rst", tmp_path / "a.html", "", "*The introduction.*\n", f'<svg><path d="{path}"/></svg>', False
    )
    text = (tmp_path / "a.rst").read_text(encoding="utf-8")
    assert max(map(len, text.splitlines())) < 10_000
    assert path.split() == re.search('d="(.*?)"', publish_parts(text, writer="html")["html_body"], re.DOTALL)[1].split()


def test_networks_without_a_width_have_none_among_the_limits(tmp_path):
    arms = {"My network": arm(-0.2, LEARNT, width=None), "My network, deeper": arm(-6, CHANCE, width=None, init="he")}
    said = words(body(tmp_path, arms))
    assert "Limits of this run: digits: 1,258 training images of 32×32; " in said and "width" not in said


@pytest.mark.parametrize("default", [{"norm": False}, {}], ids=["given", "by default"])
def test_an_option_of_one_s_own_network_is_compared_too(tmp_path, default):
    made = {
        "My net, norm False": arm(-6, CHANCE, options=default),
        "My net, norm True": arm(-0.2, LEARNT, options={"norm": True}),
    }
    said = words(body(tmp_path, made))
    assert "what helps: the option norm" in said and "norm True for norm False (My net)" in said


@pytest.mark.parametrize(("images", "helps"), [(900, True), (9, False)])
def test_what_guessing_may_reach_on_a_small_test_set_is_not_learning(tmp_path, images, helps):
    made = inits((-6, CHANCE), (-0.2, 0.6))
    for some in made.values():
        for one in some:
            one.arrays["confusion_matrix"] = np.full((3, 3), images // 9)
    assert ("what helps: another initialisation" in words(body(tmp_path, made))) == helps


@pytest.mark.parametrize("explorer", [True, False])
def test_the_page_has_links_to_what_lies_beside_it_alone(tmp_path, explorer):
    write_summary(tmp_path / "a.rst", tmp_path / "a.html", "", "", "<p>Body</p>", explorer)
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert ('href="explorer.html"' in page) == explorer and 'href="slides.html"' in page
