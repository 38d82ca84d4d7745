"""The report as a person sees it: headless Chromium opens every item, and what is wrong with any is said."""

import shutil
from collections import Counter
from pathlib import Path

from gradflow.report.pages import PAGE_BYTES

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOCAL = ("file:", "data:", "blob:", "about:")
# The report's own script says this of itself; it is in the file, not fetched.
EXPECTED = "cdn.tailwindcss.com should not be used in production"

# Pictures that do not show, or whose upper left corner cannot be scrolled to.
PICTURES = """() => [...document.images].flatMap(image => {
    if (!image.complete || image.naturalWidth < 2) return ["a broken picture " + image.alt]
    let scroller = image.parentElement
    while (scroller && !/auto|scroll/.test(getComputedStyle(scroller).overflowY)) scroller = scroller.parentElement
    if (!scroller) scroller = document.scrollingElement
    scroller.scrollTo(0, 0)
    const corner = scroller == document.scrollingElement ? {top: 0, left: 0} : scroller.getBoundingClientRect()
    const box = image.getBoundingClientRect()
    if (box.width < 2 || box.height < 2) return ["a picture of no size " + image.alt]
    return box.top < corner.top - 1 || box.left < corner.left - 1 ? ["a cropped picture " + image.alt] : []
})"""
# What the last click asked for is there: the picture is loaded, or the frame is made.
SHOWN = """() => {
    const asked = app.state.content == "img" ? ".grow img" : "iframe"
    const shown = document.querySelector(asked)
    return shown && shown.src == app.state.contentPath && (asked == "iframe" || shown.complete)
}"""
LARGE = """limit => Object.entries(results).filter(([path, item]) => item.mime_type == "text/html").map(
    ([path, item]) => [path, Math.floor(item.data_uri.split(",")[1].length * 3 / 4)]
).filter(([path, bytes]) => bytes > limit + 2).map(([path, bytes]) => `${path}: a page of ${bytes} bytes`)"""
ITEMS = "Object.entries(categories).flatMap(([name, parts]) => Object.values(parts).flat().map(() => name))"
EMPTY = "document.body.innerText.trim().length + document.images.length == 0"


def new_page(browser):
    """A page without a network; `faults` gathers what goes wrong on it: errors, warnings, requests."""
    page = browser.new_context(viewport={"width": 1300, "height": 900}, offline=True).new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda message: page.faults.append(message.text) if _is_fault(message) else None)
    page.on("request", lambda request: None if request.url.startswith(LOCAL) else page.faults.append(request.url))
    return page


def _is_fault(message) -> bool:
    return message.type in ("error", "warning") and EXPECTED not in message.text


def items(page, report: Path) -> Counter:
    """Open a report; return {category: its number of items}."""
    page.goto(report.as_uri())
    page.wait_for_function("() => typeof app == 'object' && app.state != null")
    return Counter(page.evaluate(ITEMS))


def faults_of_report(page, report: Path) -> list[str]:
    """Open every item of a report as a reader does, by its category and its eye; return what is wrong, by item."""
    found = []
    opened = set()
    for category, count in items(page, report).items():
        page.evaluate("app.setView({navbarMode: 'menu'})")
        page.get_by_role("link", name=category, exact=True).click()
        eyes = page.locator("a[iconname='eye']")
        eyes.nth(count - 1).wait_for()
        for item in range(eyes.count()):
            eyes.nth(item).click()
            page.wait_for_function(SHOWN)
            name = _path_shown(page)
            opened.add(name)
            found += [f"{name}: {fault}" for fault in page.evaluate(PICTURES) + _faults_of_frame(page)]
    found += [f"{path}: was not opened" for path in page.evaluate("Object.keys(results)") if path not in opened]
    return found + page.evaluate(LARGE, PAGE_BYTES) + page.faults


def _faults_of_frame(page) -> list[str]:
    """What is wrong with the page that is shown in a frame, if one is."""
    element = page.query_selector("iframe")
    if not element:
        return []
    frame = element.content_frame()
    frame.wait_for_load_state()
    if not frame.url.startswith("data:") or frame.evaluate(EMPTY):
        return [f"a blank frame ({frame.url[:40]})"]
    return frame.evaluate(PICTURES)


def _path_shown(page) -> str:
    return page.evaluate("app.state.resultPath")
