"""Figures: found in their folder without matplotlib, drawn in one style that stays with them, one sentence if not."""

import inspect
import subprocess
import sys
from types import SimpleNamespace
from xml.etree import ElementTree

import matplotlib
import pandas as pd
import pytest
from matplotlib.figure import Figure

from conftest import ROOT
from gradflow import GradflowError, folders
from gradflow.report.figures import _animation, decades, figures, style
from gradflow.thresholds import THRESHOLDS
from synthetic import a_run, draw_figures, result, write_study_tables
from text_boxes import overlaps

GOOD = """
from gradflow.report.figures import report_figure

@report_figure("A title")
def draw(study):
    return None
"""


def said(code: str) -> str:
    """What a program prints in a Python of its own."""
    command = [sys.executable, "-c", code]
    environment = {"PYTHONPATH": str(ROOT / "workflow" / "scripts")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_figures_are_listed_without_matplotlib_or_pandas():
    listed = "from gradflow.report.figures import figures; print(*figures())"
    assert said(f"{listed}; import sys; assert not {{'matplotlib', 'pandas'}} & {{*sys.modules}}").split() == [
        *figures()
    ]


def test_every_figure_has_its_caption_and_every_caption_its_result():
    captions = {path.stem for path in (ROOT / "report" / "captions").glob("*.rst")}
    assert captions == {*figures(), "analysis", "claims", "cost", "explorer"}


def settings_of_matplotlib() -> dict:
    """All but the backend, which to read is to choose."""
    return {name: matplotlib.rcParams[name] for name in matplotlib.rcParams if name != "backend"}


def test_importing_a_figure_sets_nothing_of_matplotlibs():
    names = [*folders.modules("gradflow.report.figures"), *folders.modules("gradflow.report")]
    code = (
        f"import matplotlib\n{inspect.getsource(settings_of_matplotlib)}\n"
        "before = settings_of_matplotlib()\n"
        f"import {', '.join(names)}\n"
        "assert settings_of_matplotlib() == before and matplotlib.get_backend(auto_select=False) is None\n"
        "with gradflow.report.figures.style.drawing():\n    assert settings_of_matplotlib() != before\n"
        "print(settings_of_matplotlib() == before)"
    )
    assert said(code) == "True\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A library whose only figure is `good`, beside what it is given."""
    monkeypatch.setattr(folders, "ROOT", tmp_path)
    for name in ("report/given/study", "report/figures/good", "report/figures/style", "report/figures/_shared"):
        (tmp_path / f"{name}.py").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.py").write_text(GOOD if name.endswith("good") else "")
    return tmp_path / "report" / "figures"


def test_a_figure_has_the_name_of_its_file_and_says_what_it_is_drawn_from(folder):
    (kind,) = figures.__wrapped__().values()
    assert (kind.name, kind.title, kind.arguments, kind.formats) == ("good", "A title", ("study",), ("png", "svg"))
    assert kind.code == ["gradflow.report.figures.good", "gradflow.report.given.study"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD + GOOD, r"bad.py: 2 functions have @report_figure, and a file has one figure"),
        ("", r"bad.py: 0 functions have @report_figure"),
        (GOOD.replace("(study)", "(study, runs)"), r"bad.py: draw asks for 'runs'.*a figure is of one of study .with"),
        (GOOD.replace('"A title"', "TITLE"), r"bad.py: @report_figure of draw must be given a title as plain text"),
        (GOOD.replace('"A title"', ""), r"must be given a title as plain text"),
        (GOOD.replace("(study)", "(results)"), r"draw asks for 'results'; a figure is of one of study"),
        (GOOD.replace("(study)", "()"), r"draw asks for nothing; a figure is of one of study"),
        (GOOD.replace("A title", "A {width}"), r"the title of draw has \{width\}, which it is not given"),
        ("def draw(", r"bad.py: line 1 is no Python"),
    ],
    ids=["two", "none", "unknown argument", "computed title", "no title", "no subject", "nothing", "braces", "syntax"],
)
def test_a_file_that_is_no_figure_is_named(folder, text, words):
    (folder / "bad.py").write_text(text)
    with pytest.raises(GradflowError, match=words):
        figures.__wrapped__()


# Names that matplotlib would leave out or take for a formula, and HTML or XML for marks.
CLASSES = ["$x_$", "<b>&amp;", "\\frac{"]
NAMES = ["_first", "a$b$c", "<i>&"]
HOSTILE = {"he": "he_ $", "default": "<script>$\\alpha$ &"}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The results folder of a study of two arms."""
    folder = tmp_path_factory.mktemp("results")
    arms = {
        HOSTILE[init]: [
            result(a_run("vgg_deep", seed=seed, init=init), decades, names=NAMES, classes=CLASSES) for seed in range(2)
        ]
        for init, decades in (("he", -1), ("default", -5))
    }
    write_study_tables(folder / "tables", {"one": arms})
    return folder


@pytest.fixture(scope="module")
def drawn(results):
    """Every figure of the study, by name."""
    return draw_figures(results, "one")


@pytest.mark.parametrize(
    ("figure", "names"),
    [
        ("confusion", CLASSES),
        ("layers_named", NAMES),
        ("curves", HOSTILE.values()),
        ("decades", HOSTILE.values()),
        ("effects", [f"against {HOSTILE['he']}"]),
        ("profile_activation", ["10⁻²"]),
    ],
)
def test_names_in_figures_are_text(drawn, figure, names):
    picture = ElementTree.parse(drawn[figure].with_suffix(".svg"))
    texts = {text.strip("\u200b") for text in picture.getroot().itertext()}
    assert {name.replace(" ", "\u00a0") for name in names} <= {text.replace(" ", "\u00a0") for text in texts}


def test_figures_have_the_same_bytes_whatever_matplotlib_is_set_to_and_leave_it_so(results, drawn):
    first = {name: path.read_bytes() for name, path in drawn.items()}
    with matplotlib.rc_context({"axes.grid": False, "font.size": 20, "savefig.dpi": 50}):
        before = settings_of_matplotlib()
        again = draw_figures(results, "one")
        assert settings_of_matplotlib() == before
    assert {name: path.read_bytes() for name, path in again.items()} == first


def test_what_goes_wrong_is_said_of_the_figure_and_the_study(results, monkeypatch):
    files, settings = {"study": [results / "tables" / "arms.csv"]}, {"thresholds": THRESHOLDS}
    paths = [results / "figures" / "two" / f"decades.{suffix}" for suffix in ("png", "svg")]
    with pytest.raises(GradflowError, match=r"the figure decades of two was not drawn: .*no runs of the study 'two'"):
        figures()["decades"].write(paths, files, settings | {"study": "two"})
    monkeypatch.setattr(decades, "draw", lambda study, thresholds: 1 / 0)
    with pytest.raises(RuntimeError, match=r"the figure decades of two was not drawn: ZeroDivisionError: division"):
        figures()["decades"].write(paths, files, settings | {"study": "one"})
    assert not paths[0].exists()


def test_no_text_lies_over_other_text_however_long_the_labels_are(tmp_path, monkeypatch):
    labels = {
        f"VGG-Deep, {init} init, SGD with momentum, no batch norm, constant rate": init for init in ("he", "xavier")
    }
    arms = {
        label: [result(a_run("vgg_deep", seed=seed, init=init), -3) for seed in range(2)]
        for label, init in labels.items()
    }
    write_study_tables(tmp_path / "tables", {"one": arms})
    found = {}

    def measure(figure, *paths):
        found[paths[0].stem] = overlaps(figure)
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(style, "save_figure", measure)
    monkeypatch.setattr(_animation.Animation, "save", lambda self, *paths: measure(self.frames[-1], *paths))
    drawn = draw_figures(tmp_path, "one")
    assert {name: pairs for name, pairs in found.items() if pairs} == {} and found.keys() == drawn.keys()


def test_text_over_text_is_seen():
    figure = Figure()
    for y in (0.5, 0.51, 0.9):
        figure.text(0.5, y, f"at {y}")
    assert overlaps(figure) == [("at 0.5", "at 0.51")]


@pytest.mark.parametrize("architectures", [["a"] * 40, ["a"] * 9 + ["b"] * 6, ["a", "b"] * 30], ids=len)
def test_no_two_arms_look_the_same(architectures):
    """Whatever their number; of two architectures the first few have their own colours."""
    labels = [str(number) for number in range(len(architectures))]
    of = dict(zip(labels, architectures))
    study = SimpleNamespace(
        labels=labels,
        arms=pd.DataFrame({"label": labels, "architecture": architectures}),
        colour=lambda label: {"a": "#0072B2", "b": "#D55E00"}[of[label]],
    )
    styles = style.arm_styles(study)
    assert len({tuple(one.items()) for one in styles.values()}) == len(labels)
    for line in styles.values():  # matplotlib takes them
        Figure().subplots().plot([0, 1], **line)
    if len(set(architectures)) > 1:
        first = {name: styles[labels[architectures.index(name)]]["color"] for name in "ab"}
        assert first == {"a": "#0072B2", "b": "#D55E00"}
