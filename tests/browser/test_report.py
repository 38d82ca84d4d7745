"""The report in a real browser: every item shows, whole, nothing is fetched, nothing complains.

The smoke report, and one of the default's shape and size. GRADFLOW_FINISHED=<folder> opens that of a finished run too
(make test-default).
"""

import os
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

import default_shape
import viewer
from conftest import copy_workflow, snakemake
from gradflow.report.figures import figures

pytest_plugins = ["browser_fixtures"]
FINISHED = os.environ.get("GRADFLOW_FINISHED")
SMOKE = {"0 Start here": 3, "1 What helps": 1, "2 Studies": 5, "3 Claims": 1, "4 Appendix": 4}
DEFAULT = SMOKE | {"1 What helps": 4, "2 Studies": 14}
DRAWN = ("skip", "optimizer")  # the widest figures, and the tallest
HOSTILE = "'Pooling </script><script>throw 1</script> {x} &lt; $x$'"  # a study's title and question are text


@pytest.fixture(scope="module")
def default(digits, tmp_path_factory):
    """A copy of the workflow with a run of the default's shape and size, in which the trainings alone are made up.

    The figures of most studies are copies of one's: to draw them would take as long as all the rest.
    """
    folder = copy_workflow(tmp_path_factory.mktemp("default"))
    config = (folder / "config.yaml").read_text(encoding="utf-8").replace("title: Pooling", f"title: {HOSTILE}")
    config = config.replace(
        "question: What does average pooling change in place of max pooling?", f"question: {HOSTILE}"
    )
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    drawn = folder / "results" / "figures"
    others = default_shape.write_results(folder / "results", folder / "config.yaml", digits) - set(DRAWN)
    make(folder, "--cores", "2", "tables")
    kinds = [f"figure_{kind.name}" for kind in figures().values() if "study" in kind.arguments]
    make(folder, "--cores", "2", *kinds, "--config", f"select=[{','.join(DRAWN)}]")
    for study in others:
        shutil.copytree(drawn / DRAWN[0], drawn / study, copy_function=shutil.copyfile)
    make(folder, "--cores", "2")
    make(folder, "--report", "results/report.html")
    return folder


def make(folder, *arguments):
    """Make what is not there or older than what it is made from; no training."""
    ran = snakemake(folder, "--rerun-triggers", "mtime", *arguments)
    said = ran.stdout + ran.stderr
    assert ran.returncode == 0 and "Rule: train" not in said, said


@pytest.fixture(scope="module")
def finished():
    """A folder in which the workflow has run to its end, report included."""
    assert Path(FINISHED, "results/report.html").exists(), f"GRADFLOW_FINISHED: {FINISHED} has no results/report.html."
    return Path(FINISHED).resolve()


@pytest.mark.parametrize("run", ["smoke", "default", *(["finished"] if FINISHED else [])])
def test_every_item_of_the_report_shows(page, run, request):
    report = request.getfixturevalue(run) / "results/report.html"
    assert viewer.faults_of_report(page, report) == []


def test_the_report_has_few_items_and_every_one_is_labelled(page, smoke, default):
    assert viewer.items(page, smoke / "results/report.html") == Counter(SMOKE)
    assert viewer.items(page, default / "results/report.html") == Counter(DEFAULT)
    assert sum(DEFAULT.values()) <= 26
    labels = page.evaluate("Object.values(results).map(item => item.labels && item.labels.figure)")
    assert all(labels) and len(set(labels)) == len(labels)
    assert (default / "results/report.html").stat().st_size <= 12_000_000


@pytest.mark.parametrize("width", [1300, 390])
def test_the_report_opens_with_the_answer(page, default, width):
    page.set_viewport_size({"width": width, "height": 900})
    viewer.items(page, default / "results/report.html")
    answer = page.locator(".gradflow")
    assert answer.locator("h1").is_visible() and answer.locator("svg").count() == 2
    told = answer.locator("h1").inner_text()
    page.goto((default / "results/report/index.html").as_uri())
    assert page.locator("h1").inner_text() == told
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.faults == []


def test_the_answers_open_offline_with_every_picture(page, smoke):
    page.goto((smoke / "results/report/analysis.html").as_uri())
    assert page.locator("h1").inner_text() == "Where gradients vanish, and why"
    assert page.locator("img").count() == 4  # survey, alignment, depth at initialisation, notebook 004
    assert page.locator("svg[role=img]").count() == 4  # the answer, where, why, what helps
    missing = "[...document.querySelectorAll('a[href^=\"#\"]')].filter(a => !document.getElementById(a.hash.slice(1)))"
    assert page.evaluate(f"{missing}.map(a => a.hash)") == []
    for link in ("all arms, each once", "f. References", "d. Batch norm"):  # what is folded opens, one click away
        page.get_by_role("link", name=link).click()
        target = page.evaluate("document.getElementById(location.hash.slice(1)).getBoundingClientRect().top")
        assert -1 <= target <= 900, link
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate(viewer.PICTURES) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.faults == []


def test_the_animation_page_shows_its_gif(page, smoke):
    page.goto((smoke / "results/figures/vgg_deep/histograms.html").as_uri())
    assert page.evaluate(viewer.PICTURES) == []
    assert page.locator("img").get_attribute("src").startswith("data:image/gif")
    assert page.faults == []


def test_what_is_wrong_with_a_report_is_seen(page, smoke, tmp_path):
    """Too large a page, no stylesheet, an error of a script's, a picture from elsewhere."""
    text = (smoke / "results/report.html").read_text()
    start = text.index("filename=analysis.html;base64,") + len("filename=analysis.html;base64,")
    text = text[:start] + "Cgo" + "K" * 2_097_153 + text[start:]
    text = text.replace("safe center", "center")
    before, end = text.rsplit("</body>", 1)
    wrong = "<script>console.error('oh')</script><img src='http://example.org/a.png'>"
    (tmp_path / "report.html").write_text(f"{before}{wrong}</body>{end}")
    said = "\n".join(viewer.faults_of_report(page, tmp_path / "report.html"))
    for fault in (
        r"analysis\.html: a blank frame \(about:blank#blocked\)",
        r"analysis\.html: a page of \d+ bytes",
        r"profiles-width10\.png: a cropped picture",
        r"^oh$",
        r"^http://example\.org/a\.png$",
    ):
        assert re.search(fault, said, re.MULTILINE), said
