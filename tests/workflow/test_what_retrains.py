"""What is added beside what is there trains nothing again; what is edited trains its own runs again, and no other's."""

import re
import shutil

import pytest
import yaml

from conftest import snakemake

SMOKE = "config/smoke.yaml"
LIBRARY = "workflow/scripts/gradflow"
FAMILY = '''"""A family of its own."""

from torch import nn


def net(*, classes: int, channels: int, hidden: int) -> nn.Module:
    """Return one convolution and a linear layer."""
    pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(nn.Conv2d(channels, hidden, 3), nn.ReLU(), pool, nn.Linear(hidden, classes))
'''


@pytest.fixture(scope="module")
def finished(smoke, tmp_path_factory):
    """A copy of the folder in which the smoke config has run; each test leaves its library as it was."""
    folder = tmp_path_factory.mktemp("finished") / "workflow"
    shutil.copytree(smoke, folder, symlinks=True)
    return folder


@pytest.fixture
def edited(finished):
    """A function that edits a file of the library, or makes one; all is put back after the test."""
    before: dict = {}

    def edit(file, old, new):
        path = finished / LIBRARY / file
        before.setdefault(path, path.read_text() if path.exists() else None)
        text = path.read_text() if path.exists() else old
        assert old in text
        path.write_text(text.replace(old, new, 1))

    yield edit
    for path, text in before.items():
        path.write_text(text) if text is not None else path.unlink()


def pending(folder, *overlays):
    """What a dry run would do: {rule: the runs, or other files, of its jobs}."""
    ran = snakemake(folder, "-n", "--quiet", "host", "--configfile", SMOKE, *map(str, overlays))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    blocks = re.split(r"^(?:local)?rule (?=\w+:$)", ran.stdout + ran.stderr, flags=re.MULTILINE)[1:]
    found: dict[str, set] = {}
    for block in blocks:
        run = re.search(r"wildcards: .*?run=([^,\s]+)", block)
        found.setdefault(block.split(":", 1)[0], set()).add(run[1] if run else "")
    return found


def overlay(folder, **changes):
    path = folder / "overlay.yaml"
    path.write_text(yaml.safe_dump(changes))
    return path


def study(**settings):
    return {"mine": {"question": "?", "vary": [{"batch_size": 256} | settings]}}


SELECT = ["vgg_depth", "skip", "vgg_deep", "mlp", "probe", "mine"]
TRAINING = {"train", "prepare_data"}


def only(jobs, start):
    """Assert that what is trained are runs of one architecture, and no data set is prepared."""
    assert jobs["train"] and all(run.startswith(start) for run in jobs["train"])
    assert "prepare_data" not in jobs


def test_a_vgg_of_another_plan_is_a_line_and_trains_itself_alone(finished, edited):
    line = '"vgg14": Architecture(_VGG, "VGG-14", BLUE, _stages(2, 2, 2, 2, 3), _HEAD),\n    "vgg16": '
    edited("models/catalogue.py", '"vgg16": ', line)
    assert pending(finished) == {}
    path = overlay(finished, select=SELECT, studies=study(architecture="vgg14"))
    only(pending(finished, path), "vgg14-")


def test_a_new_family_is_a_file_and_a_line_and_trains_itself_alone(finished, edited):
    edited("models/family.py", "", FAMILY)
    line = '"family": Architecture("gradflow.models.family:net", "family", options={"hidden": 4}),\n    "vgg16": '
    edited("models/catalogue.py", '"vgg16": ', line)
    assert pending(finished) == {}
    path = overlay(finished, select=SELECT, studies=study(architecture="family", hidden=[2, 4]))
    only(pending(finished, path), "family-")


def test_a_users_architecture_is_trained_by_a_configuration_alone(finished, tmp_path):
    file = tmp_path / "net.py"
    file.write_text(FAMILY)
    entry = {"builder": f"{file}:net", "options": {"hidden": 4}}
    path = overlay(finished, select=SELECT, architectures={"own_net": entry}, studies=study(architecture="own_net"))
    only(pending(finished, path), "ownnet-")
    ran = snakemake(finished, "runs", "--cores", "2", "--configfile", SMOKE, str(path))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert not TRAINING & pending(finished, path).keys()
    file.write_text(FAMILY.replace("nn.ReLU()", "nn.Tanh()"))
    only(pending(finished, path), "ownnet-")
    file.write_text(FAMILY.replace("one convolution", "a single convolution"))
    assert not TRAINING & pending(finished, path).keys()


def test_a_derived_quantity_is_a_line_and_trains_nothing(finished, edited):
    line = 'Quantity("double", "twice", derive=lambda of: 2 * of["grad_rms"]),\n    Quantity("grad_rms"'
    edited("quantities.py", 'Quantity("grad_rms"', line)
    jobs = pending(finished)
    assert "tables" in jobs and not (TRAINING | {"initial", "probe"}) & jobs.keys()


def test_a_measured_quantity_trains_nothing_until_it_is_asked_for(finished, edited):
    edited("sparsity.py", "", '"""Zeros."""\n\n\ndef zeros(gradient, module):\n    return (gradient == 0).sum()\n')
    line = 'Quantity("zeros", "zeros", measure="gradflow.sparsity:zeros"),\n    Quantity("grad_rms"'
    edited("quantities.py", 'Quantity("grad_rms"', line)
    assert not TRAINING & pending(finished).keys()
    assert len(pending(finished, overlay(finished, record=["zeros"]))["train"]) == 12


def test_an_optimizer_is_a_line_and_trains_nothing(finished, edited):
    line = '"other": Optimizer("torch.optim:Adam", "other", _ADAM),\n    "adamw": '
    edited("optimizers.py", '"adamw": ', line)
    assert pending(finished) == {}
    path = overlay(finished, select=SELECT, studies=study(architecture="vgg_deep", optimizer="other"))
    only(pending(finished, path), "vggdeep-no-bn-default-other-")


def test_a_setting_of_a_run_trains_nothing_where_it_is_not_set(finished, edited):
    schema = '{"description": "Label smoothing.", "type": "number", "minimum": 0, "maximum": 1}'
    line = f'    smoothing: float = field(default=0.0, metadata={{"neutral": 0.0, "schema": {schema}}})\n'
    edited("runs.py", "    schedule: str = field(", f"{line}    schedule: str = field(")
    edited(
        "training.py", "cross_entropy(logits, labels)", "cross_entropy(logits, labels, label_smoothing=run.smoothing)"
    )
    assert not TRAINING & pending(finished).keys()
    path = overlay(finished, select=SELECT, studies=study(architecture="vgg_deep", smoothing=[0.0, 0.1]))
    assert len(pending(finished, path)["train"]) == 4


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("files.py", "could not be written: the disk is full", "was not written, as the disk is full"),
        ("results.py", "delete it and run the workflow again", "remove it and run the workflow again"),
        ("data/arrays.py", "prepare it again", "make it again"),
        ("data/decoding.py", "most likely for want of memory", "probably for want of memory"),
        ("recorder.py", "is already recording", "records already"),
    ],
)
def test_a_word_of_an_error_trains_and_prepares_nothing(finished, edited, file, old, new):
    edited(file, old, new)
    assert not TRAINING & pending(finished).keys()


def test_an_edit_of_resnets_code_trains_resnets_alone(finished, edited):
    edited("models/resnet.py", "kernel // 2", "kernel // 3")
    jobs = pending(finished)
    assert len(jobs["train"]) == 6 and all(run.startswith("resnet") for run in jobs["train"])
