"""What changes gradients on purpose is what a loop by hand makes of torch's own parts, to the bit."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_augmentation import AUGMENTED, epoch, stream
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision.transforms import functional as slow

from gradflow import GradflowError
from gradflow.analysis.aggregation import epoch_table
from gradflow.analysis.schemas import TABLES
from gradflow.data.augmentation import draw_views, take_views
from gradflow.data.batches import batches
from gradflow.models.build import build
from gradflow.propagation.first_backward import first_backward
from gradflow.runs import Run
from gradflow.training.loop import decay_groups, train
from gradflow.training.optimizers import resolve_optimizer
from gradflow.training.result import CLIPPING, read_result, write_result
from interruptions import OPTIONS, few_digits

RUN = Run(
    "resnet18", "digits", "digits", 32, seed=3, width=0.03125, init="he", batch_size=16, epochs=2, learning_rate=0.05,
    momentum=0.9,
)  # fmt: skip
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def dataset(digits):
    return few_digits(digits)


# -- a loop by hand ------------------------------------------------------------------------------------------------


def by_hand(run, dataset):
    """The losses of a run and its network, by a loop of torch's own parts; augmentation image by image."""
    torch.manual_seed(run.seed)
    model = build(run.architecture, classes=10, init=run.init, **run.model_options)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    plain = [p for norm in norms for p in norm.parameters()]
    plain += [p for name, p in model.named_parameters() if name.endswith("fc.bias")]
    decayed = [p for p in model.parameters() if not any(p is other for other in plain)]
    one = [{"params": decayed + plain}]
    two = [{"params": decayed}, {"params": plain, "weight_decay": 0}]
    groups = two if run.decay_weights_only else one
    optimizer = torch.optim.SGD(groups, run.learning_rate, run.momentum, weight_decay=run.weight_decay)
    shuffle, losses, totals = stream(run.seed), [], []
    for _ in range(run.epochs):
        views = None
        for number, (images, labels) in enumerate(epoch(dataset, shuffle)):
            if views is None:
                views = draw_views(90, run.crop_padding, run.horizontal_flip, shuffle)
            if run.crop_padding:
                drawn = views[16 * number : 16 * number + 16].tolist()
                cut = [
                    slow.crop(slow.pad(image, run.crop_padding), top, left, 32, 32)
                    for image, (top, left, _) in zip(images, drawn)
                ]
                images = torch.stack([slow.hflip(a) if flip else a for a, (*_, flip) in zip(cut, drawn)])
            mean, std = (torch.tensor(v).view(-1, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
            with torch.autocast("cpu", torch.bfloat16, enabled=run.precision == "bf16"):
                logits = model((images - mean) / std)
                loss = cross_entropy(logits, labels, label_smoothing=run.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            if run.gradient_clipping:
                totals.append(torch.nn.utils.clip_grad_norm_(model.parameters(), run.gradient_clipping).item())
            optimizer.step()
            losses.append(loss.item())
    return losses, totals, model


DECAY = {"decay_weights_only": True, "weight_decay": 0.1}
CHANGES = [AUGMENTED, {"label_smoothing": 0.2}, {"gradient_clipping": 0.5}, DECAY, OPTIONS | {"precision": "bf16"}]


@pytest.mark.parametrize("change", CHANGES, ids=["augmentation", "smoothing", "clipping", "decay", "all, bf16"])
def test_a_run_is_the_loop_by_hand_to_the_bit(dataset, change):
    run = replace(RUN, **change)
    result, (losses, totals, model) = train(run, dataset), by_hand(run, dataset)
    assert result["loss"].tolist() == losses
    assert result["filters_after"].tobytes() == model.conv1.weight.detach().numpy().tobytes()
    assert result.arrays.get("total_grad_norm", np.empty(0)).tolist() == totals
    assert result["loss"].tolist() != train(RUN, dataset)["loss"].tolist()
    assert change.items() <= result.meta["settings"].items()


def test_smoothed_labels_are_shares_of_all_classes_in_training_and_whole_in_evaluation(dataset):
    run = replace(RUN, label_smoothing=0.2, learning_rate=1e-30, momentum=0.0, epochs=1)
    torch.manual_seed(run.seed)
    model = build(run.architecture, classes=10, init=run.init, **run.model_options).train()
    images, labels = next(batches(dataset, "train", 16, CPU, "imagenet", 32, stream(run.seed)))
    shares = 0.8 * torch.eye(10)[labels] + 0.02
    expected = -(shares * model(images).log_softmax(1)).sum(1).mean().item()
    smoothed, plain = train(run, dataset), train(replace(run, label_smoothing=0.0), dataset)
    assert smoothed["loss"][0] == pytest.approx(expected, rel=1e-6)
    assert smoothed["test_loss"] == plain["test_loss"] and smoothed["validation_loss"] == plain["validation_loss"]


def test_evaluation_sees_images_as_they_are(dataset):
    run = replace(RUN, learning_rate=1e-30, momentum=0.0, epochs=1, batch_norm=False)  # no weight moves
    plain, augmented = train(run, dataset), train(replace(run, **AUGMENTED), dataset)
    for name in ("validation_loss", "test_loss", "confusion_matrix"):
        assert np.array_equal(plain[name], augmented[name]), name
    assert not np.array_equal(plain["loss"], augmented["loss"])


# -- clipping ------------------------------------------------------------------------------------------------------


def test_gradients_are_recorded_before_clipping_and_what_was_applied_on_request(dataset, tmp_path):
    plain = train(RUN, dataset)
    run = replace(RUN, gradient_clipping=0.5, momentum=0.0)
    clipped = train(run, dataset, record=["applied_grad_norm"])
    assert plain["weight_grad_norm"][0].tobytes() == clipped["weight_grad_norm"][0].tobytes()
    factor = clipped["clip_factor"]
    assert 0 < factor[0] < 1
    np.testing.assert_allclose(factor, np.minimum(1, 0.5 / (clipped["total_grad_norm"] + 1e-6)))
    applied = clipped["weight_grad_norm"] * factor[:, None]
    np.testing.assert_allclose(clipped["applied_grad_norm"], applied, rtol=1e-5)
    ratio = run.learning_rate * applied / clipped["weight_norm"]
    np.testing.assert_allclose(clipped["update_ratio"], ratio, rtol=1e-3)
    assert not set(CLIPPING) & plain.arrays.keys()
    write_result(tmp_path / "norms.npz", clipped)
    assert read_result(tmp_path / "norms.npz")["clip_factor"].tobytes() == factor.tobytes()


def test_a_run_that_diverges_under_clipping_is_a_result(dataset):
    """An infinite norm scales gradients down to nothing, which is no missing backward pass."""
    run = replace(RUN, learning_rate=1000.0, batch_norm=False, gradient_clipping=1e8, epochs=3)
    result = train(run, dataset, record=["applied_grad_norm"])
    assert result.meta["status"] in ("diverged", "stalled") and len(result["clip_factor"]) == len(result["step"])
    assert not np.isfinite(result["total_grad_norm"]).all() and len(epoch_table(result)) == len(result["train_loss"])


def test_the_table_of_epochs_says_the_norms_before_and_after_and_how_often_steps_were_clipped(dataset):
    result = train(replace(RUN, gradient_clipping=4.0), dataset)
    table, of = epoch_table(result), result["epoch"] == 1
    before, after = result["total_grad_norm"][of], np.minimum(result["total_grad_norm"][of], 4.0)
    assert table["total_grad_norm"][1] == np.median(before)
    assert table["clipped_grad_norm"][1] == pytest.approx(np.median(after), rel=1e-6)
    assert table["clipped_share"][1] == np.mean(before > 4) and 0 < result["clip_factor"].min() < 1
    assert list(table) == list(TABLES["epochs"].columns)
    plain = epoch_table(train(RUN, dataset))
    assert plain[["total_grad_norm", "clipped_grad_norm", "clipped_share"]].isna().all(axis=None)


class Waits(TorchDispatchMode):
    """Counts what makes the host wait for a device: reading a number, or a shape that follows from numbers."""

    OPERATIONS = (torch.ops.aten._local_scalar_dense, torch.ops.aten.nonzero, torch.ops.aten.masked_select)
    count = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.count += operation.overloadpacket in self.OPERATIONS
        return operation(*args, **kwargs or {})


def test_neither_clipping_nor_views_wait_for_the_device():
    model = build("resnet18", classes=10, width=0.03125)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    pixels, views = torch.zeros(4, 3, 32, 32, dtype=torch.uint8), draw_views(4, 3, True, stream())
    with Waits() as waits:
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        take_views(pixels, views, 3)
        assert waits.count == 0
        pixels.sum().item()
    assert waits.count == 1


# -- weight decay --------------------------------------------------------------------------------------------------


class Odd(nn.Module):
    """Parameters of many kinds."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.LayerNorm((4, 2, 2))  # of three dimensions
        self.attention = nn.MultiheadAttention(4, 2)
        self.head = nn.Linear(4, 2)
        self.scale = nn.Parameter(torch.ones(4))


def test_weights_decay_and_biases_and_norms_do_not():
    model = Odd()
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    decays, rests = ([names[id(p)] for p in group["params"]] for group in decay_groups(model))
    assert decays == ["conv.weight", "attention.in_proj_weight", "attention.out_proj.weight", "head.weight"]
    assert len(decays) + len(rests) == len(names) and decay_groups(model)[1]["weight_decay"] == 0


@pytest.mark.parametrize("optimizer", ["adamw", "rmsprop", "adafactor"])
def test_every_kind_of_optimizer_takes_groups_and_a_schedule(dataset, optimizer):
    run = replace(RUN, optimizer=optimizer, learning_rate=1e-3, schedule="cosine", epochs=1, momentum=0.0, **DECAY)
    plain = replace(run, decay_weights_only=False)
    assert train(run, dataset)["loss"].tolist() != train(plain, dataset)["loss"].tolist()


def test_groups_where_nothing_decays_are_refused():
    with pytest.raises(GradflowError, match="decay_weights_only: weight_decay is 0, so nothing decays"):
        resolve_optimizer({"optimizer": "adam", "decay_weights_only": True})
    assert resolve_optimizer({"optimizer": "adamw", "decay_weights_only": True})["weight_decay"] == 0.01


# -- at initialisation ---------------------------------------------------------------------------------------------


def test_the_first_backward_pass_sees_what_the_first_step_sees(dataset):
    run = replace(RUN, **AUGMENTED, label_smoothing=0.2)
    table, result = first_backward(run, dataset), train(run, dataset)
    norms = table[table["quantity"] == "grad_output_norm"]["value"].to_numpy()
    assert norms.astype(np.float32).tobytes() == result["grad_output_norm"][0].tobytes()
    assert run.start != RUN.start
    for change in ({"gradient_clipping": 1.0}, {"decay_weights_only": True}):
        assert replace(RUN, **change).start == RUN.start and replace(RUN, **change).id != RUN.id
