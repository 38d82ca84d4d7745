"""The slides in a real browser: nothing is cut off a screen, and ten pages come out of the printer."""

import re

import pytest

pytest_plugins = ["browser_fixtures"]
CUT = """() => [...document.querySelectorAll('section')].flatMap((section, i) =>
    [section, section.querySelector('.shown')].filter(one =>
        one.scrollHeight > one.clientHeight + 1 || one.scrollWidth > one.clientWidth + 1).map(() => i + 1))"""


@pytest.fixture
def shown(page, smoke):
    page.goto((smoke / "results/report/slides.html").as_uri())
    assert page.locator("section").count() == 10
    yield page
    assert page.faults == []


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1024, 768), (1920, 1080)])
def test_every_slide_is_whole_on_a_screen(shown, width, height):
    shown.set_viewport_size({"width": width, "height": height})
    assert shown.evaluate(CUT) == []


def test_a_telephone_shows_them_below_each_other(shown):
    shown.set_viewport_size({"width": 390, "height": 844})
    assert shown.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_page_down_goes_from_slide_to_slide(shown):
    shown.set_viewport_size({"width": 1280, "height": 720})
    shown.locator("body").press("PageDown")
    at = "Math.abs(document.querySelectorAll('section')[1].getBoundingClientRect().top) < 2"
    shown.wait_for_function(at)


def test_ten_pages_are_printed(shown):
    pdf = shown.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 10
    (box,) = set(re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf))
    assert float(box[0]) / float(box[1]) == pytest.approx(16 / 9, rel=0.01)
