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


CATEGORIES = {
    "Answers": 1,
    "Claims": 1,
    "Cost": 1,
    "Depth at initialisation": 1,
    "Random MLPs": 2,
    "Depth of VGG": 10,
    "Skip connections of ResNet-50": 10,
    "VGG-Deep, VGG-16 and ResNet-18": 10,
}


@pytest.mark.parametrize(("category", "items"), CATEGORIES.items(), ids=CATEGORIES)
def test_every_item_of_the_snakemake_report_shows(page, smoke, category, items):
    page.goto((smoke / "results/report.html").as_uri())
    page.get_by_role("link", name=category, exact=True).click()
    views, captions = (page.locator(f"a[iconname='{icon}']") for icon in ("eye", "information-circle"))
    page.wait_for_selector("a[iconname='eye']")
    assert views.count() == captions.count() == items
    for item in range(items):
        views.nth(item).click()
        page.wait_for_function(
            "document.querySelector('iframe') || [...document.images].some(image => image.naturalWidth > 100)"
        )
        assert page.evaluate(BROKEN) == []
        for frame in page.frames[1:]:  # html results: the animation, the tables, the answers
            frame.wait_for_load_state()
            assert frame.evaluate(BROKEN) == []
            assert frame.evaluate("document.body.innerText.trim().length + document.images.length") > 0
    assert page.faults == []


def test_every_category_of_the_report_is_tested(page, smoke):
    page.goto((smoke / "results/report.html").as_uri())
    page.wait_for_selector("text=Answers")
    folders = page.locator("nav, aside, body").first.inner_text().split("RESULTS")[-1]
    listed = [line for line in folders.splitlines() if line.strip() in CATEGORIES]
    assert sorted(listed) == sorted(CATEGORIES)
