"""The report in a real browser: every picture is visible, nothing is fetched, nothing complains."""

import shutil

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright from the lock")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium on the PATH (Debian: apt-get install chromium)"
)

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# The report's own script says this of itself; it is in the file, not fetched.
EXPECTED = "cdn.tailwindcss.com should not be used in production"
BROKEN = "[...document.images].filter(image => !image.complete || image.naturalWidth < 2).map(image => image.alt)"


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """A page, and what went wrong on it: console errors, page errors, requests that leave the machine."""
    context = browser.new_context(viewport={"width": 1300, "height": 900}, offline=True)
    page = context.new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda message: page.faults.append(message.text) if _is_fault(message) else None)
    local = ("file:", "data:", "blob:", "about:")
    page.on("request", lambda request: None if request.url.startswith(local) else page.faults.append(request.url))
    yield page
    context.close()


def _is_fault(message):
    return message.type in ("error", "warning") and EXPECTED not in message.text


def test_the_answers_open_offline_with_every_picture(page, smoke):
    page.goto((smoke / "results/report/analysis.html").as_uri())
    assert page.locator("h1").inner_text() == "Where gradients vanish, and why"
    assert page.locator("img").count() >= 7
    assert page.evaluate(BROKEN) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.faults == []


@pytest.mark.parametrize("study", ["vgg_depth", "skip", "vgg_deep"])
def test_the_animation_page_shows_its_gif(page, smoke, study):
    page.goto((smoke / f"results/figures/{study}/histograms.html").as_uri())
    assert page.evaluate(BROKEN) == [] and page.locator("img").get_attribute("src").startswith("data:image/gif")
    assert page.faults == []


def test_every_item_of_the_snakemake_report_shows(page, smoke):
    page.goto((smoke / "results/report.html").as_uri())
    page.wait_for_selector("text=Answers")
    categories = [
        "Answers",
        "Cost",
        "mlp",
        "Depth of VGG",
        "Skip connections of ResNet-50",
        "VGG-Deep, VGG-16 and ResNet-18",
    ]
    seen = 0
    for category in categories:
        page.get_by_text(category, exact=True).first.click()
        page.wait_for_timeout(300)
        views = page.locator("[title='View result'], a:has-text('View'), button:has-text('View')")
        assert views.count() > 0, category
        for i in range(views.count()):
            views.nth(i).click()
            page.wait_for_timeout(200)
            assert page.evaluate(BROKEN) == [], category
            for frame in page.frames[1:]:
                assert frame.evaluate(BROKEN) == [], category
            seen += 1
        page.get_by_text("Results", exact=False).first.click() if False else page.reload()
        page.wait_for_selector("text=Answers")
    assert seen >= 3 * 9 + 4
    assert page.faults == []
