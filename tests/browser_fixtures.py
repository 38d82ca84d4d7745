"""A headless Chromium without a network, for all tests of pages."""

import pytest

import viewer


@pytest.fixture(scope="module")
def browser():
    driving = pytest.importorskip("playwright.sync_api", reason="needs playwright from the lock")
    if viewer.CHROMIUM is None:
        pytest.skip("needs Chromium on the PATH (Debian: apt-get install chromium)")
    with driving.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=viewer.CHROMIUM, args=viewer.ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    page = viewer.new_page(browser)
    yield page
    page.context.close()
