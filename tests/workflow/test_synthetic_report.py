"""The report notebook on tables with a known truth: its verdicts and sentences are the truth's, and turn with it."""

import html
import json
import re
from html.parser import HTMLParser

import pytest
import yaml

from conftest import ROOT
from gradflow.analysis.claims import settle as claims
from gradflow.analysis.claims.evidence import gather
from gradflow.analysis.tables import empty_table, write_table
from gradflow.report.notebook import execute, to_page
from gradflow.thresholds import THRESHOLDS
from synthetic import a_run, result, write_study_tables

DEEP = {"architecture": "vgg_deep", "init": "he"}
NET = {"architecture": "resnet18", "init": "he", "batch_norm": True}
CLAIMS = """
- id: X1
  source: a test
  claim: VGG-Deep with sigmoid vanishes.
  note: A note that is always true.
  tests:
    - {says: decades at init, study: depths, arm: {activation: sigmoid}, measure: decades, with: {at: init}, below: -2}
- id: X2
  source: a test
  claim: The skip raises the first layer's gradient.
  tests:
    - says: decades at init, skip minus no skip
      study: skips
      arm: {skip: true}
      minus: {arm: {skip: false}}
      measure: decades
      with: {at: init}
      above: 0.5
"""


# Names that would run, cut the page off, or be taken for Markdown if they were not text.
HOSTILE = '<script>throw "x"</script> a|b *c* _d_ `e` [f](g) $h$ $$i$$ &lt; \\ <!-- #'
QUESTION, FINDING, LABEL = f"Why {HOSTILE}?", f"So {HOSTILE}.", f"arm {HOSTILE}"
LAYER = "features.<img src=x onerror=throw>`|$"
DROPPED = "z<script>z.png"
TAGS = "html head meta title style body div h1 h2 h3 p em strong code ul li table thead tbody tr th td br small img"
TAGS += " main a span details summary pre svg g path defs use text tspan rect clippath"


def report(folder, decades, skip_effect, ablation_effect=0.0) -> str:
    """The text of the report on three arms with these decades, and on two with and without skips this far apart."""
    activations = dict(zip(("sigmoid", "relu", "elu"), decades))
    studies = {
        "depths": {
            label: [result(a_run(seed=seed, **DEEP, activation=label), value, 0.5) for seed in range(3)]
            for label, value in activations.items()
        },
        "skips": {
            label: [result(a_run(seed=seed, **NET, skip=skip), value, accuracy) for seed in range(3)]
            for label, skip, value, accuracy in [
                ("skip", True, -1 + skip_effect, 0.5 + ablation_effect),
                ("no skip", False, -1, 0.5),
            ]
        },
    }
    relu = {"architecture": "vgg_deep", "init": "he", "activation": "relu"}
    layers = ["features.0", "features.2", LAYER]
    studies["names"] = {
        f"{LABEL} {value}": [result(a_run(seed=seed, **relu, gamma=value), -3, names=layers) for seed in range(2)]
        for value in (0.1, 0.2)
    }
    write_study_tables(folder / "tables", studies, titles={"names": f"Names {HOSTILE}"})
    write_table(folder / "tables", "cost", empty_table("cost"))
    (folder / "claims.yaml").write_text(CLAIMS)
    table = claims.settle(yaml.safe_load(CLAIMS), gather((folder / "tables").iterdir()))
    write_table(folder / "tables", "claims", table)
    facts = {"name": "mine", "counts": {"train": 3, "validation": 1, "test": 1}, "classes": ["a", "<b>"]}
    facts |= {"stored": [8, 8], "fingerprint": "0" * 64, "dropped": [DROPPED]}
    (folder / "dataset.json").write_text(json.dumps(facts), encoding="utf-8")
    parameters = {
        "results": str(folder),
        "studies": [["depths", "Which arm vanishes?"], ["skips", "What do skips do?"], ["names", QUESTION]],
        "thresholds": THRESHOLDS,
        "datasets": [str(folder / "dataset.json")],
        "findings": {"depths": "It is made up.", "names": FINDING},
        "citation": str(ROOT / "CITATION.cff"),
        "claims": [str(folder / "claims.yaml"), str(folder / "tables" / "claims.parquet")],
    }
    execute(ROOT / "report" / "analysis.ipynb", folder / "analysis.ipynb", parameters)
    to_page(folder / "analysis.ipynb", folder / "analysis.html")
    return (folder / "analysis.html").read_text(encoding="utf-8")


def words(page: str) -> str:
    """The text of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


class Elements(HTMLParser):
    """The elements of a page, the text between them, and what would run."""

    def __init__(self, page: str):
        super().__init__()
        self.tags, self.text, self.handlers = set(), [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Sigmoid vanishes, ReLU is healthy, ELU explodes; skips raise the first layer's share by 3 and accuracy by .2."""
    return report(tmp_path_factory.mktemp("one"), (-6, 0.2, 4), 3.0, 0.2)


@pytest.fixture(scope="module")
def one(page):
    """Its text."""
    return words(page)


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """The conclusions turned round: sigmoid is healthy, ReLU explodes, ELU vanishes; skips change nothing."""
    return words(report(tmp_path_factory.mktemp("other"), (0.2, 4, -6), 0.0))


def test_names_from_peoples_data_are_text(page):
    there = Elements(page)
    text = "".join(there.text)
    assert there.tags <= {*TAGS.split()} and there.handlers == []
    for name in (f"Names {HOSTILE}", QUESTION, FINDING, LABEL, LAYER, DROPPED):
        assert name in text, name
    assert "Alpaydin" in text  # the end of the page


def test_every_question_is_one_click_from_the_top(page):
    links = re.findall(r'<a href="#(\w+)"', page)
    assert {*"abcdef", "answer", "where", "why", "helps", "adam", "limits", "claims", "cite"} <= set(links)
    assert [name for name in links if page.count(f'id="{name}"') != 1] == []


def test_the_answer_stands_first_and_turns_and_the_pictures_say_it(one, other, page):
    said = re.compile(r"Gradients vanish in \d of \d networks.*? On its way back through (\w+) ")
    worst = [said.search(text)[1] for text in (one, other)]
    assert worst == ["sigmoid", "elu"] and said.search(one).start() < one.index("Not learnt")
    told = re.findall(r'aria-label="([^"]*)"', page)
    assert len(told) > 1 and "back through sigmoid" in told[0] and "from sigmoid (−6.0 [" in told[1]


def test_vanishing_healthy_and_exploding_are_called_so(one, other):
    for text, truth in (
        (one, {"sigmoid": "vanishing", "relu": "healthy", "elu": "exploding"}),
        (other, {"sigmoid": "healthy", "relu": "exploding", "elu": "vanishing"}),
    ):
        for arm, word in truth.items():
            assert f"{arm} is {word}, alive at init and {word}, alive at the end" in text


def test_arms_that_have_not_learnt_are_named_with_the_studys_finding(one):
    assert one.count("Not learnt (mean training accuracy in the last epoch below 0.9): ") == 3
    assert re.search(r"sigmoid \(0\.\d\d\); relu \(0\.\d\d\); elu \(0\.\d\d\)\. It is made up\. 9 runs", one)


def test_layer_ratios_in_the_prose_are_the_tables_own(one, other):
    ratio = r"{}, alive at init .*? that of the first layer {}× \[.*?\] that of the last"
    assert re.search(ratio.format("sigmoid is vanishing", r"1\.\d·10⁻⁶"), one)
    assert re.search(ratio.format("sigmoid is healthy", r"1\.\d"), other)


def test_an_effect_is_named_with_its_size_where_there_is_one_and_only_there(one, other):
    assert "skip : at init the skip raises the first layer's share by +3.0 [" in one
    assert "not significant" in other and "the skip raises" not in other
    assert "A change of the test accuracy is significant in 1 of 1 pairs that differ: no skip against skip −0.20" in one
    assert "No change of the test accuracy is significant." in other


def test_the_claims_get_the_verdicts_that_the_data_deserve(one, other):
    assert "2 supported." in one and "Why claims are refuted or mixed None." in one
    assert "2 refuted." in other
    assert "X1 is refuted: decades at init is 0.2" in other and "A note that is always true." in other
    assert "X2 is refuted: decades at init, skip minus no skip is −0.0" in other
