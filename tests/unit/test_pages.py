"""Every page of the report is small enough for a browser to show it, and says what it had to leave out."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from conftest import ROOT
from gradflow import GradflowError
from gradflow.report.figures._animation import Animation
from gradflow.report.notebook import markdown_page
from gradflow.report.pages import PAGE_BYTES, figure, picture, table_page, write_page

KINDS = r"data:image/(\w+);base64"


def noise(number: int, width: int = 600, height: int = 400) -> np.ndarray:
    """A picture that no compression makes small."""
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_the_limit_is_that_of_a_frame_in_chromium():
    url = "data:text/html;charset=utf8;filename=" + 255 * "x" + ";base64,"
    assert len(url) + 4 * -(-PAGE_BYTES // 3) <= 2 * 1024 * 1024


def test_pages_are_written_in_one_place():
    """So that none escapes the check: nothing else writes what `page` returns, or a file of its own that is HTML."""
    library = ROOT / "workflow" / "scripts"
    users = [path.name for path in library.rglob("*.py") if re.search(r"\bpage\(|<html|<body", path.read_text())]
    assert users == ["pages.py"]


@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_page(path, "Title", "x" * PAGE_BYTES),
        lambda path: markdown_page(path, "Title", "x" * PAGE_BYTES),
        lambda path: table_page(path, "Title", pd.DataFrame({"a": ["x" * PAGE_BYTES]})),
    ],
    ids=["a body", "Markdown", "a table"],
)
def test_text_that_is_too_large_is_refused_in_one_sentence(tmp_path, write):
    path = tmp_path / "page.html"
    path.write_text("as before")
    with pytest.raises(
        GradflowError, match=r"page\.html would take 1,57\d,\d{3} bytes.* above 1,572,000: select fewer"
    ):
        write(path)
    assert path.read_text() == "as before"


@pytest.mark.parametrize("closing", [">", "/>"], ids=["ours", "as nbconvert writes it"])
def test_pictures_that_no_longer_fit_are_named_from_the_last_on(tmp_path, closing):
    pictures = [picture(noise(i).tobytes(), "png", f"no. {i}", f"results/figures/{i}.png") for i in range(4)]
    pictures = [element.removesuffix(">") + closing for element in pictures]
    write_page(tmp_path / "page.html", "Title", "\n".join(["<h1>First</h1>", *pictures, "<p>Last</p>"]))
    text = (tmp_path / "page.html").read_text()
    assert len(text.encode()) <= PAGE_BYTES
    assert re.findall(r'alt="([^"]*)"', text) == ["no. 0"]
    assert re.findall(r"The figure <code>([^<]*)</code> has no room here", text) == [
        f"results/figures/{i}.png" for i in (1, 2, 3)
    ]
    assert "<h1>First</h1>" in text and "<p>Last</p>" in text


def test_a_figure_is_a_fraction_of_its_png_and_looks_the_same(tmp_path):
    drawn = Figure(figsize=(8, 5))
    drawn.subplots().plot(np.random.default_rng(0).normal(size=(200, 8)).cumsum(axis=0))
    drawn.savefig(tmp_path / "figure.png", dpi=130)
    element = figure(tmp_path / "figure.png", 'alt with "quotes"', "results/figures/figure.png")
    assert re.search(KINDS, element)[1] == "webp" and 'alt="alt with &quot;quotes&quot;"' in element
    assert len(element) < 0.6 * (tmp_path / "figure.png").stat().st_size
    again = figure(tmp_path / "figure.png", 'alt with "quotes"', "results/figures/figure.png")
    assert again == element  # a page has the same bytes each time


def animation(folder, epochs, size):
    """Write an animation whose frames differ in every pixel; return the GIF's frames, and the page."""
    frames = []
    for number in range(epochs):
        figure = Figure(figsize=(size / 80, size / 80))
        figure.figimage(noise(number, size, size))
        frames.append(figure)
    Animation(frames, "Epochs").save(folder / "page.html", folder / "all.gif")
    with Image.open(folder / "all.gif") as gif:
        return gif.n_frames, (folder / "page.html").read_text()


def test_an_animation_of_many_epochs_is_thinned_on_its_page_and_says_so(tmp_path):
    frames, page = animation(tmp_path, 20, 400)
    every = int(re.search(r"One epoch in (\d+) is shown, .*<code>\S+/all\.gif</code> has them", page)[1])
    assert frames == 20 and every in (2, 4, 8) and len(page.encode()) <= PAGE_BYTES
    assert re.search(KINDS, page)[1] == "gif"


def test_an_animation_that_fits_is_whole(tmp_path):
    frames, page = animation(tmp_path, 3, 100)
    assert frames == 3 and "One epoch in" not in page


def test_an_animation_of_which_no_frame_fits_is_named(tmp_path):
    _, page = animation(tmp_path, 2, 1600)
    assert re.search(r"The figure <code>\S+/all\.gif</code> has no room here", page)
    assert "<img" not in page and "One epoch in" not in page
