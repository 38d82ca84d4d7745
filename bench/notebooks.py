"""Our training step, with recording, against the notebooks' own on a CPU: ratios, paired in one process.

    GRADFLOW_REAL_DATA=folder python bench/notebooks.py

The notebooks' step: zero_grad, forward, CrossEntropyLoss, backward and torch's optimizer as notebooks 000 and 001 write
them, in float32 and contiguous, with their `register_full_backward_hook` and `.item()` on the layers that they name.
Ours: `forward_backward` and `make_optimizer` of gradflow.training.loop, in channels_last, and `recorder.step()`, which
measures every quantity of every layer. Same weights, images and settings; reading images is in neither. All take turns
step by step; torch's threads are the cores. The figure is the median over turns of the notebook's time over ours, with
its range; the control, two of the notebook's loops against each other, must read within ±1.5 %, or the row is void.

The first step's norms are compared in the notebooks' named layers, without dropout: fp32 equal to 1e-4, or no further
than the notebook's own are from float64; bf16 to 3 %.
"""

import os
import statistics
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from gradflow import GradientRecorder
from gradflow.data import store
from gradflow.data.batches import batches
from gradflow.data.prepare import prepare
from gradflow.models.build import build
from gradflow.runs import Run
from gradflow.runtime.provenance import host_facts
from gradflow.training.loop import forward_backward, make_optimizer
from gradflow.training.memory_format import set_memory_format

SIDE = 224
CONTROL = 0.015
SECONDS, FEWEST = 60, 3  # of a notebook's turns, which end after so long, but not before so many
FLAGS = ("avx512_bf16", "amx_bf16")


@dataclass(frozen=True)
class Notebook:
    """A notebook's network, settings and named layers, the archive of its images, and the ratios that we aim at."""

    title: str
    run: Run
    classes: int
    layers: tuple[str, ...]
    archive: str
    source: str
    inplace: bool
    aims: dict[str, float]
    turns: int


RESNET50 = Run("resnet50", "tiny_imagenet", "tiny_imagenet", SIDE, seed=0, width=1.0, batch_norm=True, skip=False,
               learning_rate=0.1, momentum=0.9, batch_size=16)  # fmt: skip
VGG19 = Run("vgg19", "cifar10", "folder", SIDE, seed=0, width=1.0, init="torchvision", normalization="none",
            optimizer="adam", learning_rate=1e-4, batch_size=8)  # fmt: skip
NOTEBOOKS = (
    Notebook("notebook 001, ResNet-50 without skips, batch 16", RESNET50, 200,
             ("conv1", "layer1.0.conv1", "layer2.0.conv2", "layer3.5.conv3", "layer4.2.conv1", "fc"),
             "tiny-imagenet-200-subset.zip", "tiny_imagenet", True, {"fp32": 1.10, "bf16": 3.0}, 7),
    Notebook("notebook 000, VGG-19, batch 8", VGG19, 10, ("features.0", "features.10", "features.28", "classifier.0"),
             "cifar10-jpeg.tar.xz", "folder", False, {"bf16": 2.7}, 5),
)  # fmt: skip


def network(notebook: Notebook, dropout: bool = True) -> nn.Module:
    """Return the notebook's network, freshly initialised, the same every time."""
    run = notebook.run
    model = build(run.architecture, classes=notebook.classes, init=run.init, seed=run.seed, **run.model_options)
    for module in model.modules():
        if isinstance(module, nn.Dropout) and not dropout:
            module.p = 0.0
    return model


class Theirs:
    """The notebook's loop."""

    def __init__(self, notebook: Notebook, images, labels, dropout: bool = True):
        self.model, self.images, self.labels = network(notebook, dropout), images, labels
        for module in self.model.modules():
            if isinstance(module, nn.ReLU):
                module.inplace = notebook.inplace
        self.criterion, run, parameters = nn.CrossEntropyLoss(), notebook.run, self.model.parameters()
        if run.optimizer == "adam":
            self.optimizer = torch.optim.Adam(parameters, lr=run.learning_rate)
        else:
            self.optimizer = torch.optim.SGD(parameters, lr=run.learning_rate, momentum=run.momentum)
        self.norms = {name: [] for name in notebook.layers}
        for name in notebook.layers:
            self.model.get_submodule(name).register_full_backward_hook(
                lambda module, inputs, outputs, name=name: self.norms[name].append(outputs[0].norm().item())
            )

    def step(self) -> float:
        """Take a step; return its seconds."""
        started = time.perf_counter()
        self.optimizer.zero_grad()
        loss = self.criterion(self.model(self.images), self.labels)
        loss.backward()
        self.optimizer.step()
        return time.perf_counter() - started


class Ours:
    """Our loop, in channels_last, with a recorder."""

    def __init__(self, notebook: Notebook, images, labels, precision: str, dropout: bool = True):
        self.run = Run(**notebook.run.settings | {"precision": precision})
        self.model, self.images, self.labels = network(notebook, dropout), images, labels
        self.memory_format = set_memory_format(self.model, "channels_last")
        self.optimizer = make_optimizer(self.run, self.model)
        self.recorder = GradientRecorder(self.model).__enter__()
        self.recorder._capture.detach()

    def step(self) -> float:
        """Take a step; return its seconds."""
        self.recorder._attach()  # its hook on all modules would slow the notebook's model, too
        started = time.perf_counter()
        batch = self.model, self.optimizer, self.images, self.labels
        forward_backward(self.run, *batch, self.memory_format)
        self.recorder.step()
        self.optimizer.step()
        seconds = time.perf_counter() - started
        self.recorder._capture.detach()
        return seconds


def first_batch(notebook: Notebook, data: Path, folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the first batch of real images that a training would see, float32, and their labels."""
    run, settings = notebook.run, {"source": notebook.source, "path": str(data / notebook.archive), "size": SIDE}
    prepare(folder / run.dataset, run.dataset, settings, archive=data / notebook.archive, workers=len(cores()))
    dataset = store.load_dataset(folder / run.dataset)
    shuffle = torch.Generator().manual_seed(run.seed)
    return next(batches(dataset, "train", run.batch_size, torch.device("cpu"), run.normalization, SIDE, shuffle))


def compare_steps(notebook: Notebook, images, labels) -> None:
    """Print the median ratio of the notebook's step to ours, in each precision."""
    loops = {"notebook": Theirs(notebook, images, labels), "control": Theirs(notebook, images, labels)}
    loops |= {precision: Ours(notebook, images, labels, precision) for precision in notebook.aims}
    times, names = {name: [] for name in loops}, list(loops)
    started = time.perf_counter()
    for turn in range(notebook.turns + 1):  # the first warms up
        if turn > FEWEST and time.perf_counter() - started > SECONDS:
            break
        for name in names if turn % 2 else names[::-1]:
            times[name].append(loops[name].step())
    pairs = {name: [a / b for a, b in zip(times["notebook"][1:], times[name][1:])] for name in names}
    control = statistics.median(pairs["control"])
    void = "" if abs(control - 1) <= CONTROL else "  void: the control is off"
    print(f"  notebook's step {statistics.median(times['notebook'][1:]):.2f} s, control {control:.3f}")
    for precision, aim in notebook.aims.items():
        ratio, low, high = statistics.median(pairs[precision]), min(pairs[precision]), max(pairs[precision])
        print(f"  {precision}: {ratio:.2f}× ({low:.2f} to {high:.2f}; aim {aim:.2f}){void}", flush=True)


def compare_norms(notebook: Notebook, images, labels) -> None:
    """Print how far the first step's norms are from the notebook's, largest over its layers."""

    def named(found, layers) -> torch.Tensor:
        return torch.tensor([found[layers.index(name)] for name in notebook.layers], dtype=torch.float64)

    theirs = Theirs(notebook, images, labels, dropout=False)
    theirs.step()
    single = torch.tensor([theirs.norms[name][0] for name in notebook.layers], dtype=torch.float64)
    truth = exact(notebook, images, labels)
    own = distance(single, truth)
    print(f"  first norms, the notebook's: {own:.1e} from float64")
    for precision in notebook.aims:
        ours = Ours(notebook, images, labels, precision, dropout=False)
        ours.step()
        found = named(ours.recorder.norms()["grad_output_norm"][0].tolist(), list(ours.recorder.layers))
        allowed = max(1e-4, own) if precision == "fp32" else 0.03
        off = distance(found, single)
        verdict = f"{'within' if off <= allowed else 'beyond'} {allowed:.1e}"
        print(f"  first norms, {precision}: {off:.1e} from the notebook's, {verdict}", end="")
        print(f"; {distance(found, truth):.1e} from float64", flush=True)


def exact(notebook: Notebook, images, labels) -> torch.Tensor:
    """Return the norms of the named layers in float64."""
    theirs = Theirs(notebook, images.double(), labels, dropout=False)
    theirs.model.double()
    theirs.step()
    return torch.tensor([theirs.norms[name][0] for name in notebook.layers], dtype=torch.float64)


def distance(found: torch.Tensor, truth: torch.Tensor) -> float:
    """Return the largest relative difference."""
    return (found / truth - 1).abs().max().item()


def cores() -> list[int]:
    """Return the processor's cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count()))


def main() -> None:
    """Print both notebooks."""
    warnings.filterwarnings("ignore", "Full backward hook is firing")  # on the first layer, as in the notebooks
    data = Path(os.environ.get("GRADFLOW_REAL_DATA", ""))
    missing = [notebook.archive for notebook in NOTEBOOKS if not (data / notebook.archive).is_file()]
    if missing:
        sys.exit(f"bench/notebooks.py needs {missing[0]} in the folder that GRADFLOW_REAL_DATA names.")
    torch.set_num_threads(len(cores()))
    info = Path("/proc/cpuinfo")
    flags = [flag for flag in FLAGS if info.is_file() and flag in info.read_text(encoding="utf-8").split()]
    print(f"{host_facts()['processor']}, {', '.join(flags) or 'no bf16 instructions found'}, {len(cores())} threads")
    print(f"torch {torch.__version__}, load {os.getloadavg()[0]:.2f}")
    with tempfile.TemporaryDirectory() as temporary:
        for notebook in NOTEBOOKS:
            print(f"{notebook.title}, {SIDE} px", flush=True)
            images, labels = first_batch(notebook, data, Path(temporary))
            compare_steps(notebook, images, labels)
            compare_norms(notebook, images, labels)


if __name__ == "__main__":
    main()
