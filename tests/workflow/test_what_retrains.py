"""What is added beside what is there trains nothing again; what is edited trains its own runs again, and no other's."""

import re
import shutil

import pytest
import yaml

from conftest import snakemake
from documents import COMMANDS

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


def jobs_of(folder, *overlays):
    """What a dry run would do: {rule: the runs of its jobs, if they have any}."""
    ran = snakemake(folder, "-n", "--quiet", "host", "--configfile", SMOKE, *map(str, overlays))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found: dict[str, set] = {}
    for block in re.split(r"^(?:local)?rule (?=\w+:$)", ran.stdout + ran.stderr, flags=re.MULTILINE)[1:]:
        run = re.search(r"wildcards: .*?run=([^,\s]+)", block)
        found.setdefault(block.split(":", 1)[0], set()).add(run[1] if run else "")
    return found


def overlay(folder, **changes):
    path = folder / "overlay.yaml"
    path.write_text(yaml.safe_dump(changes))
    return path


def study(*grids):
    """A study beside those of the smoke config, and the selection of all."""
    own = {"mine": {"question": "?", "base": {"batch_size": 256}, "vary": list(grids)}}
    return {"studies": own, "select": ["vgg_depth", "skip", "vgg_deep", "mlp", "depth_at_init", "mine"]}


TRAINING = {"train", "prepare_data"}
VGG14 = '"vgg14": Architecture(_VGG, "VGG-14", BLUE, _stages(2, 2, 2, 2, 3), _HEAD),'
FAMILY_ENTRY = '"family": Architecture("gradflow.models.family:net", "family", options={"hidden": 4}),'
OTHER = '"other": Optimizer("torch.optim:Adam", "other", _ADAM),'
DOUBLE = 'Quantity("double", "twice", derive=lambda of: 2 * of["grad_rms"]),'
ZEROS = 'Quantity("zeros", "zeros", measure="gradflow.sparsity:zeros"),'
MEASURE = '"""Zeros."""\n\n\ndef zeros(gradient, module):\n    return (gradient == 0).sum()\n'
SCHEMA = '{"description": "Label smoothing.", "type": "number", "minimum": 0, "maximum": 1}'
SETTING = f'    smoothing: float = field(default=0.0, metadata={{"neutral": 0.0, "schema": {SCHEMA}}})\n'
LOSS = "cross_entropy(logits, labels, label_smoothing=run.label_smoothing"
SMOOTHED = f"{LOSS}, smoothing=run.smoothing"


def test_what_is_added_to_the_registries_trains_itself_alone(finished, edited):
    edited("models/family.py", "", FAMILY)
    edited("models/catalogue.py", '"vgg16": ', f'{VGG14}\n    {FAMILY_ENTRY}\n    "vgg16": ')
    edited("training/optimizers.py", '"adamw": ', f'{OTHER}\n    "adamw": ')
    edited("sparsity.py", "", MEASURE)
    edited("recorder/quantities.py", 'Quantity("grad_rms"', f'{DOUBLE}\n    {ZEROS}\n    Quantity("grad_rms"')
    edited("runs.py", "    schedule: str = field(", f"{SETTING}    schedule: str = field(")
    edited("training/task.py", LOSS, SMOOTHED)
    jobs = jobs_of(finished)
    assert "tables" in jobs and not TRAINING & jobs.keys()
    grids = [{"architecture": ["vgg14", "family"]}, {"architecture": "vgg_deep", "optimizer": "other"}]
    grids += [{"architecture": "vgg_deep", "init": "he", "epochs": 2, "smoothing": [0.0, 0.1]}]
    jobs = jobs_of(finished, overlay(finished, **study(*grids)))
    begun = sorted(re.split(r"-s\d+-", run)[0] for run in jobs["train"])
    new = ["family-default-sgd-digits", "vgg14-no-bn-default-sgd-digits", "vggdeep-no-bn-default-other-digits"]
    smoothed = "vggdeep-no-bn-he-sgd-digits"
    assert begun == sorted(2 * [*new, smoothed, smoothed]) and "prepare_data" not in jobs
    assert len(jobs_of(finished, overlay(finished, record=["zeros"]))["train"]) == 12


def test_a_users_architecture_is_trained_by_a_configuration_alone_and_again_when_its_file_changes(finished, tmp_path):
    file = tmp_path / "net.py"
    file.write_text(FAMILY)
    entry = {"builder": f"{file}:net", "options": {"hidden": 4}}
    path = overlay(finished, architectures={"own_net": entry}, **study({"architecture": "own_net"}))
    ran = snakemake(finished, "runs", "--cores", "2", "--configfile", SMOKE, str(path))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("Rule: train") + ran.stderr.count("Rule: train") == 2
    file.write_text(FAMILY.replace("one convolution", "a single convolution"))
    assert not TRAINING & jobs_of(finished, path).keys()
    file.write_text(FAMILY.replace("nn.ReLU()", "nn.Tanh()"))
    jobs = jobs_of(finished, path)
    assert len(jobs["train"]) == 2 and all(run.startswith("ownnet-") for run in jobs["train"])


def test_words_of_errors_train_and_prepare_nothing(finished, edited):
    edited("files.py", "could not be written: the disk is full", "was not written, as the disk is full")
    edited("training/result.py", "delete it and run the workflow again", "remove it and run the workflow again")
    edited("data/store.py", "prepare it again", "make it again")
    edited("data/decode.py", "most likely for want of memory", "probably for want of memory")
    edited("recorder/recorder.py", "is already recording", "records already")
    assert not (TRAINING | {"first_backward", "depth_at_init", "tables"}) & jobs_of(finished).keys()


def test_an_edit_of_resnets_code_trains_resnets_alone(finished, edited):
    edited("models/resnet.py", "kernel // 2", "kernel // 3")
    jobs = jobs_of(finished)
    assert len(jobs["train"]) == 6 and all(run.startswith("resnet") for run in jobs["train"])


def test_trainings_that_an_earlier_version_made_are_kept_by_one_command(done):
    """The command is that of docs/architecture.md; what a result says of its code stays in it."""
    path = done / LIBRARY / "training" / "status.py"
    path.write_text(path.read_text().replace("STALLED_WITHIN = 0.01", "STALLED_WITHIN = 0.02"))
    before = {file: file.read_bytes() for file in done.glob("results/runs/*/norms.npz")}
    assert len(jobs_of(done)["train"]) == len(before) == 12
    (command,) = (command for block, command in COMMANDS if block.page == "docs/architecture.md")
    kept = snakemake(done, *command.split()[1:], "--configfile", SMOKE)
    assert kept.returncode == 0, kept.stdout + kept.stderr
    assert not TRAINING & jobs_of(done).keys()
    assert {file: file.read_bytes() for file in before} == before
