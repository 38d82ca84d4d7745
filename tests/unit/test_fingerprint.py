"""Code fingerprints: a run depends on its own code and entries, on nothing beside them nor on what is only said."""

from dataclasses import replace

import pytest

from gradflow.models.catalogue import CATALOGUE
from gradflow.runtime import fingerprint
from gradflow.training.optimizers import OPTIMIZERS
from library_copy import RUN, changed, edit, forget, runs


def prints():
    forget()
    modules = ("training.loop", "analysis.tables", "report.figures.curves", "report.prose.verdicts")
    return {module: fingerprint.code_fingerprint(f"gradflow.{module}") for module in modules}


def test_comments_docstrings_and_layout_change_nothing(library):
    before = prints()
    for path in library.rglob("*.py"):
        path.write_text("# a comment\n\n" + path.read_text() + "\n\n# another\n")
    edit(library / "training" / "loop.py", '"""Train one run', '"""Trains a single run')
    assert prints() == before


def test_code_changes_what_uses_it_and_nothing_else(library):
    before = prints()
    edit(library / "recorder" / "history.py", "ROWS_ON_DEVICE = 1024", "ROWS_ON_DEVICE = 512")
    after = prints()
    assert changed(before, after) == {"training.loop"}
    edit(library / "report" / "figures" / "curves.py", "alpha=0.2", "alpha=0.3")
    edit(library / "labels.py", '"ReLU"', '"relu"')
    assert changed(after, prints()) == {"report.figures.curves", "report.prose.verdicts"}


def test_a_word_of_an_error_changes_no_run(library):
    before = runs()
    edit(library / "files.py", "could not be written: the disk is full", "was not written, as the disk is full")
    edit(library / "training" / "result.py", "delete it and run", "remove it and run")
    edit(library / "training" / "checkpoint.py", "; its checkpoint is kept and", ", its checkpoint was kept, and")
    edit(
        library / "recorder" / "refusals.py",
        "once per step, after loss.backward().",
        "once a step, after loss.backward().",
    )
    edit(library / "models" / "vgg.py", "import torch\n", "import torch\n\nSAID = 1\n")  # one that does count
    assert changed(before, runs()) == {name for name in CATALOGUE if name.startswith("vgg")}


def test_only_the_runs_of_a_builder_depend_on_its_code(library):
    before = runs()
    edit(library / "models" / "resnet.py", "kernel // 2", "kernel // 3")
    assert changed(before, runs()) == {"resnet18", "resnet50", "cifar_resnet"}
    before = runs()
    edit(library / "models" / "initialization.py", "2 / fan_in,", "3 / fan_in,")
    assert changed(before, runs()) == set(CATALOGUE)


def test_a_new_architecture_optimizer_or_quantity_changes_no_run(library):
    before, first = runs(), prints()["analysis.tables"]
    vgg = '"vgg14": Architecture(_VGG, "VGG-14", BLUE, _stages(2, 2, 2, 2, 3), _HEAD),\n    "vgg16": '
    edit(library / "models" / "catalogue.py", '"vgg16": ', vgg)
    edit(
        library / "training" / "optimizers.py",
        '"adam": ',
        '"other": Optimizer("torch.optim:Adam", "other", _ADAM),\n    "adam": ',
    )
    quantity = 'Quantity("double", "twice", derive=lambda of: 2 * of["grad_rms"]),\n    Quantity("grad_rms"'
    edit(library / "recorder" / "quantities.py", 'Quantity("grad_rms"', quantity)
    assert runs() == before and prints()["analysis.tables"] != first


@pytest.mark.parametrize("part", ["plan", "options", "pretrained"])
def test_an_entry_counts_for_its_own_runs_and_its_face_for_none(part):
    entry = CATALOGUE["vgg19"]
    ours = fingerprint.run_fingerprint(RUN, entry)
    assert fingerprint.run_fingerprint(RUN, replace(entry, label="other", colour="#123456")) == ours
    other = {"plan": {"layers": [64, "M"]}, "options": entry.options | {"width": 2.0}, "pretrained": None}[part]
    assert fingerprint.run_fingerprint(RUN, replace(entry, **{part: other})) != ours


def test_an_optimizers_entry_counts_for_its_own_runs(monkeypatch):
    def both():
        return [
            fingerprint.run_fingerprint(replace(RUN, optimizer=name), CATALOGUE["vgg16"]) for name in ("sgd", "adam")
        ]

    sgd, adam = both()
    monkeypatch.setitem(OPTIMIZERS, "adam", replace(OPTIMIZERS["adam"], settings={"weight_decay": 0.5}))
    assert both()[0] == sgd and both()[1] != adam
    monkeypatch.setitem(OPTIMIZERS, "sgd", replace(OPTIMIZERS["sgd"], label="plain"))
    assert both()[0] == sgd


SETTING = '    smoothing: float = field(default=0.0, metadata={"neutral": 0.0})\n'
USE = """        loss = training_loss(run, logits, labels)
        if run.smoothing:
            loss = loss + run.smoothing
"""


def test_a_setting_that_came_later_counts_where_it_is_not_neutral(library):
    after = replace(RUN, warmup_epochs=1.0)

    def both():
        forget()
        unset = frozenset({"smoothing"})
        plain = fingerprint._loop_code(RUN.neutral | unset, unset)
        return plain, fingerprint._loop_code(after.neutral, frozenset())

    before = both()
    edit(library / "runs.py", "    schedule: str = field(", SETTING + "    schedule: str = field(")
    edit(library / "training" / "loop.py", USE.splitlines(keepends=True)[0], USE)
    edit(library / "training" / "loop.py", "argmax(1) == labels)", "argmax(1, keepdim=run.smoothing) == labels)")
    first, other = both()
    assert first == before[0] and other != before[1]
    edit(library / "training" / "loop.py", "loss = loss + run.smoothing", "loss = loss - run.smoothing")
    assert both()[0] == first and both()[1] != other


IMPORTS = ["from gradflow import {}", "from gradflow.{} import x", "import gradflow.{} as other", "from .. import {}"]


@pytest.mark.parametrize("form", [*IMPORTS, "from ..{} import x", "def late():\n    from gradflow import {}"])
def test_no_form_of_import_is_lost(library, form):
    (library / "extra.py").write_text("x = 1\n")
    edit(library / "recorder" / "history.py", "import numpy as np", f"import numpy as np\n{form.format('extra')}")
    forget()
    before = fingerprint.code_fingerprint("gradflow.training.loop")
    (library / "extra.py").write_text("x = 2\n")
    forget()
    assert fingerprint.code_fingerprint("gradflow.training.loop") != before


@pytest.mark.parametrize("form", ["from gradflow import GradientRecorder", "import gradflow"])
def test_public_names_lead_to_where_they_live(library, form):
    edit(library / "colours.py", "SILVER =", f"{form}\n\nSILVER =")
    forget()
    before = fingerprint.code_fingerprint("gradflow.colours")
    edit(library / "recorder" / "history.py", "ROWS_ON_DEVICE = 1024", "ROWS_ON_DEVICE = 512")
    forget()
    assert fingerprint.code_fingerprint("gradflow.colours") != before
