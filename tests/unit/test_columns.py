"""Figures for a paper: as wide as a column, with letters that can be read there, whole fonts, the same bytes twice."""

import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from gradflow import GradflowError
from gradflow.report.figures import _width, figures
from gradflow.report.figures.style import drawing, headed, legend_below, panels
from gradflow.report.study_pdf import write_study_pdf
from gradflow.thresholds import THRESHOLDS
from synthetic import a_run, result, write_study_tables
from text_boxes import overlaps

COLUMNS = {89: 89 / 25.4, 183: 183 / 25.4}  # mm: inches
POINTS = 72 / 25.4  # of a millimetre
MEDIA_BOX = rb"/MediaBox \[\s*([-\d.]+) ([-\d.]+) ([-\d.]+) ([-\d.]+)\s*\]"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """What figures of a study of two arms are drawn from."""
    folder = tmp_path_factory.mktemp("results")
    arms = {
        f"VGG-Deep, {init} init, SGD": [
            result(a_run("vgg_deep", seed=seed, init=init), decades, classes="0123456789") for seed in range(2)
        ]
        for init, decades in (("he", -1), ("default", -5))
    }
    write_study_tables(folder / "tables", {"one": arms})
    return {"study": sorted(folder.glob("tables/*")), "results": sorted(folder.glob("runs/*/norms.npz"))}


def settings():
    return {"study": "one", "layers": {}, "thresholds": THRESHOLDS}


def draw(files, name, millimetres, path):
    figures()[name].write([path], files, settings(), COLUMNS[millimetres])
    return path.read_bytes()


def pages(pdf: bytes) -> list[tuple[float, float]]:
    """The sizes of a PDF's pages in mm."""
    boxes = [[float(edge) for edge in box] for box in re.findall(MEDIA_BOX, pdf)]
    return [((right - left) / POINTS, (top - bottom) / POINTS) for left, bottom, right, top in boxes]


@pytest.mark.parametrize("millimetres", COLUMNS)
def test_a_pdf_is_as_wide_as_the_column_has_whole_fonts_its_title_and_no_date(files, tmp_path, millimetres):
    drawn = draw(files, "decades", millimetres, tmp_path / "a.pdf")
    ((wide, high),) = pages(drawn)
    assert wide == pytest.approx(millimetres, abs=0.1) and high < 247
    assert b"/FontFile2" in drawn and b"/Type3" not in drawn  # TrueType, embedded
    assert b"/CreationDate" not in drawn and b"/Title (Study one" in drawn
    assert draw(files, "decades", millimetres, tmp_path / "b.pdf") == drawn


@pytest.mark.parametrize("millimetres", COLUMNS)
@pytest.mark.parametrize("name", ["curves", "profile_weight"])
def test_an_svg_has_text_of_six_points_or_more_at_its_real_width(files, tmp_path, millimetres, name):
    drawn = draw(files, name, millimetres, tmp_path / "a.svg").decode()
    assert float(re.search(r'<svg[^>]* width="([\d.]+)pt"', drawn)[1]) == pytest.approx(millimetres * POINTS, abs=0.1)
    sizes = [float(size) for size in re.findall(r"font(?:-size)?: ([\d.]+)px", drawn)]
    assert len(sizes) > 10 and min(sizes) >= 6 and max(sizes) <= 7
    assert ">epoch<" in drawn or ">layer, in forward order<" in drawn
    assert draw(files, name, millimetres, tmp_path / "b.svg").decode() == drawn


def test_a_png_has_six_hundred_dots_an_inch(files, tmp_path):
    draw(files, "decomposition", 89, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as drawn:
        assert drawn.width / drawn.info["dpi"][0] == pytest.approx(COLUMNS[89], rel=1e-3)
        assert drawn.info["dpi"][0] == pytest.approx(600, rel=1e-3) and drawn.info["Title"].startswith("Study one")


STILL = [name for name, kind in figures().items() if "study" in kind.arguments and kind.formats == ("png", "svg")]


@pytest.mark.parametrize("millimetres", COLUMNS)
@pytest.mark.parametrize("name", STILL)
def test_no_text_lies_over_text_in_a_column_or_the_figure_is_refused(files, millimetres, name):
    with drawing(COLUMNS[millimetres]):
        figure = figures()[name].draw(files, settings())
        try:
            _width.fit(figure, COLUMNS[millimetres])
        except GradflowError:  # names and three panels beside each other
            assert (name, millimetres) == ("effects", 89)
        else:
            assert overlaps(figure) == [] and figure.get_figwidth() == COLUMNS[millimetres]


def test_long_labels_are_broken_and_the_title_goes():
    figure = Figure(figsize=(9, 3), layout="constrained")
    axis = figure.subplots()
    axis.set_xlabel("a label of the axis below, that is longer than a column of a journal is wide, by some words")
    axis.set_ylabel("a label of the axis at the left, that is longer than the panel is high")
    axis.set_yticks([0, 1], ["a name of a row that takes more than a third of the column", "b"])
    axis.set_title("The finding,\nas a title", fontsize=20)
    assert _width.fit(figure, COLUMNS[89]) == "The finding, as a title"
    assert axis.get_xlabel().count("\n") >= 1 and axis.get_ylabel().count("\n") >= 1 and axis.get_title("left") == ""
    assert "\n" in axis.get_yticklabels()[0].get_text() and overlaps(figure) == []


@pytest.mark.parametrize(
    ("add", "words"),
    [
        (lambda figure: [figure.text(0.5, 0.5, word) for word in ("one", "two")], "'one' lies over 'two'"),
        (lambda figure: figure.text(0.99, 0.5, "beyond the edge"), "'beyond the edge' is cut off"),
        (lambda figure: figure.set_size_inches(9, 16), "it would be 264 mm high, more than a page"),
    ],
    ids=["over", "cut off", "high"],
)
def test_what_has_no_room_is_refused_in_one_sentence(add, words):
    figure = Figure(figsize=(9, 3))
    add(figure)
    with pytest.raises(GradflowError, match=f"^at 89 mm {words}: take it at 183 mm, or select fewer arms.$"):
        _width.fit(figure, COLUMNS[89])


def test_panels_have_fewer_columns_in_a_column():
    for width, columns in ((COLUMNS[89], 2), (COLUMNS[183], 4), (np.inf, 4)):
        with drawing(width):
            figure, axes = panels(7)
            for axis in axes:
                axis.plot([1], label="a long label of an arm, for the legend")
            legend_below(figure, axes[0])
            assert axes[0].get_subplotspec().get_gridspec().ncols == columns
            assert np.isinf(width) or figure.get_figwidth() == width


def test_a_study_is_one_pdf_of_a_page_a_figure_that_says_what_it_was_made_of(files, tmp_path):
    captions = {"decades": "What decades are.", "curves": "What curves are. " * 40}
    for name in ("a", "b"):
        write_study_pdf(tmp_path / name, files, settings(), captions, "It vanishes.", "commit abc · seeds 0 to 2")
    drawn = (tmp_path / "a").read_bytes()
    assert pages(drawn) == [(pytest.approx(210, abs=0.1), pytest.approx(297, abs=0.1))] * 2
    assert b"/Type3" not in drawn and b"/CreationDate" not in drawn and b"/Subject (It vanishes.)" in drawn
    assert "commit abc · seeds".encode("utf-16-be") in drawn and (tmp_path / "b").read_bytes() == drawn


def test_a_figure_without_room_has_its_reason_on_its_page(files, tmp_path, monkeypatch):
    def no_room(figure, width):
        raise GradflowError("at 183 mm it is too high.")

    monkeypatch.setattr("gradflow.report.study_pdf.fit", no_room)
    write_study_pdf(tmp_path / "a", files, settings(), {"decades": "What decades are."}, "", "commit abc")
    assert len(pages((tmp_path / "a").read_bytes())) == 1


def test_a_name_with_a_hyphen_stays_whole_in_a_title_of_several_lines():
    figure = Figure(figsize=(2, 2))
    figure.subplots(1, 2)
    headed(figure, "Networks", "most is lost in VGG-Deep, and least in ResNet-18")
    assert "\n" in figure.get_suptitle()
    assert _width.fit(figure, COLUMNS[89]) == "Networks: most is lost in VGG-Deep, and least in ResNet-18"
