"""What is found in folders: a source, a kind of evidence or a figure is one file more, and nothing is trained again.

The files are the examples of the documentation.
"""

import numpy as np
import pandas as pd
import yaml

from conftest import pending, snakemake
from documents import BLOCKS, ROOT, Block
from gradflow.analysis.tables import read_table
from gradflow.data import store

SMOKE = ["--configfile", "config/smoke.yaml"]
CLAIM = """
- id: N1
  source: a test
  claim: No ResNet-50 diverges.
  tests: [{says: diverged ResNet-50s, diverged: {architecture: resnet50}, below: 1}]
"""


def example(page: str, file: str) -> Block:
    """The block of a page that is its example of a file: the first after its name."""
    text = (ROOT / page).read_text(encoding="utf-8")
    line = text[: text.index(f"`{file}`")].count("\n")
    return next(block for block in BLOCKS if block.page == page and block.language == "python" and block.line > line)


ADDED = {
    file: example(page, file)
    for page, file in (
        ("docs/data.md", "data/sources/npz.py"),
        ("docs/claims.md", "analysis/claims/evidence/diverged.py"),
        ("docs/studies.md", "report/figures/seeds.py"),
    )
}


def add(folder, file: str) -> None:
    """Add the file that the documentation has as its example to the library of a copy."""
    (folder / "workflow" / "scripts" / "gradflow" / file).write_text(ADDED[file].code, encoding="utf-8")


def make(folder, target: str, *configfiles: str) -> None:
    """Make one file and what it needs."""
    ran = snakemake(folder, target, "--cores", "2", *SMOKE, *configfiles)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_source_is_one_file_and_its_data_set_is_prepared_without_those_that_are_there(done):
    add(done, "data/sources/npz.py")
    assert pending(done, *SMOKE) == {}
    images = np.random.default_rng(0).integers(0, 256, (100, 3, 32, 32), np.uint8)
    np.savez(done / "mine.npz", images=images, labels=np.arange(100) % 2 + 7)
    overlay = {"scale": {"dataset": "mine"}, "datasets": {"mine": {"source": "npz", "path": "mine.npz"}}}
    (done / "mine.yaml").write_text(yaml.safe_dump(overlay))
    planned = pending(done, *SMOKE, "mine.yaml")
    assert planned["prepare_data"] == 1 and planned["train"] == 12
    make(done, "results/data/mine/dataset.json", "mine.yaml")
    mine = store.load_dataset(done / "results/data/mine")
    assert np.array_equal(mine.images, images) and mine.classes == ("7", "8") and len(mine.indices("train")) == 70
    assert "prepare_data" not in pending(done, *SMOKE, "mine.yaml") and pending(done, *SMOKE) == {}


def test_what_a_source_takes_is_checked_as_it_says(workflow):
    add(workflow, "data/sources/npz.py")
    for settings, words in (
        ({"path": 1}, "datasets.mine.path is 1; it must be of type string"),
        ({"groups": {"a": ["b"]}}, "datasets.mine has no key 'groups'; it takes source, size, drop_damaged, path."),
    ):
        (workflow / "mine.yaml").write_text(yaml.safe_dump({"datasets": {"mine": {"source": "npz"} | settings}}))
        ran = snakemake(workflow, "-n", "--configfile", "mine.yaml")
        assert ran.returncode != 0 and words in ran.stdout + ran.stderr


def test_a_kind_of_evidence_is_one_file_and_settles_a_claim(done):
    add(done, "analysis/claims/evidence/diverged.py")
    with open(done / "report" / "claims.yaml", "a", encoding="utf-8") as stream:
        stream.write(CLAIM)
    assert pending(done, *SMOKE).keys() == {"claims", "notebook", "summary", "all"}
    before = read_table(done / "results/tables", "claims")
    make(done, "results/tables/claims.parquet")
    after = read_table(done / "results/tables", "claims")
    runs = read_table(done / "results/tables", "runs").query("architecture == 'resnet50'")
    (new,) = after[after["id"] == "N1"].itertuples()
    assert new.value == (runs["status"] == "diverged").sum() and new.outcome == ("fails" if new.value else "holds")
    pd.testing.assert_frame_equal(after[after["id"] != "N1"], before)


def test_a_figure_is_one_file_and_its_caption(done):
    add(done, "report/figures/seeds.py")
    (done / "report" / "captions" / "seeds.rst").write_text("Runs of this study.\n")
    assert pending(done, *SMOKE) == {"figure_seeds": 1, "all": 1}
    before = (done / "results/figures/skip/decades.png").read_bytes()
    make(done, "results/figures/skip/seeds.png")
    assert (done / "results/figures/skip/seeds.svg").exists()
    assert (done / "results/figures/skip/decades.png").read_bytes() == before
    assert (done / "results/figures/vgg_deep/seeds.png").exists() and pending(done, *SMOKE) == {}


def test_a_figure_without_a_caption_or_a_title_is_refused_in_one_sentence(workflow):
    add(workflow, "report/figures/seeds.py")
    refused = snakemake(workflow, "-n", *SMOKE)
    said = refused.stdout + refused.stderr
    assert refused.returncode != 0 and "captions/seeds.rst does not exist: write the caption of the figure" in said
    file = workflow / "workflow/scripts/gradflow/report/figures/seeds.py"
    file.write_text(file.read_text().replace('"Test accuracy by random seed"', ""))
    refused = snakemake(workflow, "-n", *SMOKE)
    said = refused.stdout + refused.stderr
    assert refused.returncode != 0 and "seeds.py: @report_figure of draw must be given a title as plain text" in said
    assert "Traceback" not in said
