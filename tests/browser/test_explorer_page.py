"""The explorer in a real browser: the keyboard alone drives every view, numbers are the tables', names are text."""

import csv
import math

import numpy as np
import pytest
import torch

from gradflow.analysis.tables import read_table, write_table
from gradflow.causes import CAUSES
from gradflow.propagation.quadrature import derivative, expectation
from gradflow.report.explorer.from_results import arms_of_results
from gradflow.report.explorer.page import write_explorer
from gradflow.thresholds import THRESHOLDS
from synthetic import a_run, result, write_study_tables

pytest_plugins = ["browser_fixtures"]
HOSTILE = "</script><img src=x onerror=alert(1)>"
OVERLAPS = """() => [...document.querySelectorAll('svg')].flatMap(drawn => {
    const words = [...drawn.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()])
    return words.flatMap(([a, one], i) => words.slice(i + 1).filter(([, other]) =>
        one.left < other.right - 1 && other.left < one.right - 1 &&
        one.top < other.bottom - 3 && other.top < one.bottom - 3
    ).map(([b]) => `${a} lies on ${b}`))
})"""
WIDE = "document.documentElement.scrollWidth > window.innerWidth"
EMPTY = """() => [...document.querySelectorAll('.picture svg')].filter(drawn =>
    drawn.querySelectorAll('path, image, text').length < 4).map(drawn => drawn.closest('section').id)"""
SLOWEST = """() => Math.max(...Array.from({length: 6}, (_, i) => {
    const begun = performance.now()
    change({when: 'step', step: i, layer: i, arms: data.arms.slice(0, 6).map(arm => arm.number)})
    document.body.offsetHeight
    return performance.now() - begun
}))"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Arms with and without a gradient, one with a name that means harm, and a theory of the first."""
    folder = tmp_path_factory.mktemp("explorer")
    kinds = {
        HOSTILE: ("vgg_deep", "he", -7.0, "stalled"),
        "VGG-16": ("vgg16", "he", -0.3, "completed"),
        "ResNet-18": ("resnet18", "he", 2.5, "completed"),
        "no gradient": ("vgg_deep", "xavier", -80.0, "completed"),
    }
    arms = {
        label: [result(a_run(name, seed, init=init), decades, status=status) for seed in range(3)]
        for label, (name, init, decades, status) in kinds.items()
    }
    write_study_tables(folder / "tables", {"s": arms})
    starts = read_table(folder / "tables", "arms")
    layers = list(arms[HOSTILE][0]["layer_name"])
    rows = starts[starts["label"] == HOSTILE].merge(
        read_table(folder / "tables", "profiles").query("phase == 'init' and quantity == 'grad_sample_norm'"), on="run"
    )
    explained = rows.assign(measured=rows["value"], predicted=rows["value"], pure=np.nan, spread=0.1)
    write_table(
        folder / "tables",
        "theory_layers",
        explained[["start", "seed", "layer", "depth", "measured", "predicted", "pure", "spread"]],
    )
    totals = explained.drop_duplicates("seed")[["start", "seed"]].assign(
        **dict.fromkeys(("measured", "predicted", "pure", "residual", *CAUSES, "update"), 0.0),
        verdict="healthy, alive",
        no_rule="",
        reason="",
    )
    write_table(folder / "tables", "theory", totals)
    assert len(layers) == 12
    write_explorer(folder / "explorer.html", "Gradient explorer", arms_of_results(folder, THRESHOLDS))
    return folder


@pytest.fixture
def explorer(page, folder):
    page.goto((folder / "explorer.html").as_uri())
    page.wait_for_selector("body[data-ready]")
    yield page
    assert page.faults == []


def reach(page, name: str) -> None:
    """Walk to a control as the keyboard does, by the tabulator alone."""
    page.evaluate("document.activeElement.blur()")
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == name:
            return
    raise AssertionError(f"the tabulator does not reach {name}")


def press(page, name: str, *keys: str) -> None:
    reach(page, name)
    for key in keys:
        page.keyboard.press(key)


def text(page, name: str) -> str:
    return page.locator(f"#{name}").inner_text()


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1300, 900), (390, 844)])
def test_every_view_shows_and_no_words_lie_on_others(explorer, colours, width, height):
    explorer.emulate_media(color_scheme=colours, reduced_motion="reduce")
    explorer.set_viewport_size({"width": width, "height": height})
    shown = "{when: 'step', step: 6, outcome: 'layer', arms: [1, 2, 0, 3]}"
    for part in ("{}", "{seeds: 'lines', scale: 'last'}", shown):
        explorer.evaluate(f"change({part})")
        assert explorer.evaluate(OVERLAPS) == [] and explorer.evaluate(EMPTY) == []
        assert not explorer.evaluate(WIDE)
    style = "getComputedStyle(document.body)"
    colour, paper = explorer.evaluate(f"[{style}.color, {style}.backgroundColor]")
    assert (colours == "dark") == (sum(map(int, paper[4:-1].split(","))) < 300) and colour != paper


def test_the_keyboard_alone_drives_every_view(explorer):
    press(explorer, "when", "ArrowDown")
    assert explorer.get_by_role("img", name="After one step").count() == 1
    press(explorer, "step", "ArrowRight", "ArrowRight")
    assert text(explorer, "step-said") == "step 3" and "Step 3," in text(explorer, "heat-said")
    press(explorer, "layer", "ArrowDown")
    assert "features.2" in text(explorer, "heat-said") and "features.2" in text(explorer, "legend")
    press(explorer, "theory", "Space")
    assert explorer.evaluate("state.theory") is False
    press(explorer, "quantity", "ArrowDown")
    assert explorer.evaluate("state.quantity") == "weight_grad_norm"
    reach(explorer, "search")
    explorer.keyboard.type("resnet")
    assert explorer.locator("#arms li").count() == 1
    for _ in range(9):  # past the study and the chips
        explorer.keyboard.press("Tab")
        if explorer.evaluate("document.activeElement.type") == "checkbox":
            break
    explorer.keyboard.press("Space")
    assert (
        explorer.locator("#legend li").count() == 3 and explorer.evaluate("document.activeElement.type") == "checkbox"
    )
    press(explorer, "outcome-of", "ArrowDown")
    assert explorer.evaluate("state.outcome") == "layer"
    press(explorer, "heat-arm", "ArrowDown")
    assert explorer.evaluate("state.heat") == 1
    press(explorer, "guess", "ArrowLeft")
    press(explorer, "show", "Enter")
    assert text(explorer, "predict-said").startswith("Theory: ")
    press(explorer, "play", "Enter")
    explorer.wait_for_function("state.step > 6")
    explorer.keyboard.press("Enter")
    assert text(explorer, "play") == "Play"


def test_a_click_on_the_heatmap_is_the_step_and_the_layer(explorer):
    box = explorer.locator("#heatmap .hit").bounding_box()
    explorer.mouse.click(box["x"] + box["width"] - 2, box["y"] + box["height"] - 2)
    assert explorer.evaluate("[state.when, state.step, state.layer]") == ["step", 39, 11]


def test_the_numbers_shown_are_the_tables(explorer, folder):
    number = explorer.evaluate(f"data.arms.find(arm => arm.label === {HOSTILE!r}).number")
    explorer.evaluate(f"change({{arms: [{number}]}})")
    arms, profiles = (read_table(folder / "tables", name) for name in ("arms", "profiles"))
    runs = list(arms[arms["label"] == HOSTILE]["run"])
    known = profiles[(profiles["phase"] == "init") & (profiles["quantity"] == "grad_sample_norm")]
    known = known[known["run"].isin(runs)].set_index(["run", "layer"])["value"]
    with explorer.expect_download() as fetched:
        explorer.get_by_text("Save").first.click()
        explorer.locator("#profile .menu button", has_text="CSV").click()
    with open(fetched.value.path(), newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(known) and {row["arm"] for row in rows} == {HOSTILE}
    for row in rows:
        assert float(row["value"]) == pytest.approx(known[row["run"], row["layer"]], rel=1e-6)
    mean = np.exp(np.log(known.xs("features.0", level="layer")).mean())
    mantissa, power = f"{mean:.2e}".split("e")
    power = str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    assert f"features.0: {mantissa}·10{power} " in text(explorer, "legend")
    explorer.locator("#table-fold summary").click()
    explorer.locator("#table tbody tr").nth(11).wait_for()
    assert explorer.locator("#table tbody tr").count() == 12 and f"{mantissa}·10" in text(explorer, "table")


def test_the_theory_is_that_of_python_s_quadrature(explorer):
    functions = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": torch.relu, "gelu": torch.nn.functional.gelu}
    for name, function in functions.items():
        slope, variance, total = derivative(function), 1.4, 0.0
        for _ in range(9):
            gain = 1.4 * expectation(lambda x, f=slope: f(x).square(), 0, variance, (0.0,))
            variance = 1.4 * expectation(lambda x, f=function: f(x).square(), 0, variance, (0.0,))
            total += math.log10(gain) / 2
        assert explorer.evaluate(f"theoryProfile(1.4, '{name}', 10)[0]") == pytest.approx(total, abs=2e-4)


def test_names_are_text_and_a_gradient_of_zero_is_said(explorer):
    explorer.evaluate("change({arms: data.arms.map(arm => arm.number)})")
    assert explorer.locator("img[src=x]").count() == 0
    assert HOSTILE in text(explorer, "arms") and HOSTILE in text(explorer, "legend")
    assert "−∞" in text(explorer, "arms")
    assert "exactly zero in 5 layers" in text(explorer, "profile-note")


def test_what_is_shown_can_be_taken_away(explorer):
    for panel in ("profile", "heatmap", "outcome", "predict"):
        for words, start in (("SVG", b"<svg"), ("PNG", b"\x89PNG"), ("CSV", (b"arm,", b"line,"))):
            explorer.locator(f"#{panel} .menu summary").click()
            with explorer.expect_download() as fetched:
                explorer.locator(f"#{panel} .menu button", has_text=words).click()
            assert fetched.value.path().read_bytes().startswith(start)
        explorer.locator(f"#{panel} .menu summary").click()
        explorer.locator(f"#{panel} .menu button", has_text="Copy").click()
        copied = explorer.locator("#copied")
        assert len(copied.inner_text() or copied.locator("textarea").input_value()) > 40


def test_the_address_keeps_what_is_shown(explorer):
    explorer.evaluate("change({arms: [2, 1], when: 'step', step: 8, layer: 3, scale: 'last', seeds: 'lines'})")
    explorer.reload()
    explorer.wait_for_selector("body[data-ready]")
    assert explorer.evaluate("[state.arms, state.when, state.step, state.layer, state.scale]") == [
        [2, 1],
        "step",
        8,
        3,
        "last",
    ]
    explorer.evaluate("location.hash = '#arms=99,x&layer=-4&when=never&chips=Q'")
    explorer.reload()
    explorer.wait_for_selector("body[data-ready]")
    assert explorer.evaluate("[state.when, state.layer, state.chips]") == ["init", 0, []]


def test_an_interaction_is_quick(explorer):
    assert explorer.evaluate(SLOWEST) < 200  # 100 ms on a machine that does nothing else
