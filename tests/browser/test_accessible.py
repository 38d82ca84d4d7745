"""Whoever cannot see a page, or sees it otherwise, can use it: axe-core finds nothing on any page of ours."""

import os
from pathlib import Path

import pytest

pytest_plugins = ["browser_fixtures"]
FINISHED = os.environ.get("GRADFLOW_FINISHED")


def findings(page) -> list[str]:
    """What axe-core finds on the page that is open, with all that is folded unfolded."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python of the lock")
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    found = axe.Axe().run(page).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {node['html'][:200]}: {node.get('failureSummary', '')[:300]}"
        for one in found
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("run", ["smoke", *(["finished"] if FINISHED else [])])
def test_no_page_of_ours_has_a_finding(page, run, colours, request):
    folder = Path(FINISHED).resolve() if run == "finished" else request.getfixturevalue(run)
    pages = sorted(set((folder / "results").rglob("*.html")) - {folder / "results/report.html"})  # that is Snakemake's
    assert {"index.html", "explorer.html", "analysis.html"} <= {path.name for path in pages}
    page.emulate_media(color_scheme=colours, reduced_motion="reduce")
    found = []
    for path in pages:
        page.goto(path.as_uri())
        found += [f"{path.relative_to(folder)}: {finding}" for finding in findings(page)]
    assert found == []


def test_what_is_wrong_is_found(page, tmp_path):
    """A picture without words, a field without a name, grey on white."""
    wrong = "<img src='data:,'><input><p style='color: #bbb'>Grey</p>"
    (tmp_path / "wrong.html").write_text(f"<html lang='en'><title>w</title><main>{wrong}</main>", encoding="utf-8")
    page.goto((tmp_path / "wrong.html").as_uri())
    said = "\n".join(findings(page))
    assert all(name in said for name in ("image-alt", "label", "color-contrast"))
