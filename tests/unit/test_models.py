"""Architectures held to published parameter counts and to torchvision's own definitions."""

import pytest
import torch
import torchvision
from torch import nn

from gradflow import GradflowError
from gradflow.models.build import build
from gradflow.models.catalogue import CATALOGUE
from gradflow.models.initialization import INITIALIZATIONS
from gradflow.models.size import inspect_network


def count(model):
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("architecture", "options", "expected"),
    [
        ("vgg19", {"classes": 10}, 139_611_210),  # notebook 000
        ("resnet50", {"classes": 200, "skip": False}, 23_917_832),  # notebook 001, unused projections included
        ("vgg_deep", {"classes": 3}, 10_389_827),  # notebook 002
        ("vgg16", {"classes": 1000}, 138_357_544),  # Simonyan & Zisserman 2014, as torchvision publishes it
        ("resnet18", {"classes": 1000}, 11_689_512),
        ("resnet50", {"classes": 1000}, 25_557_032),
        ("vgg11", {"classes": 1000}, 132_863_336),
        ("vgg13", {"classes": 1000}, 133_047_848),
        ("mlp", {"channels": 10, "image_size": 1}, 451),  # notebook 004: 4 × (10×10 + 10) + 10 + 1
    ],
)
def test_parameter_counts_at_full_width(architecture, options, expected):
    with torch.device("meta"):
        assert count(build(architecture, **{"classes": 1} | options)) == expected


def test_resnet50_without_its_unused_projections():
    with torch.device("meta"):
        model = build("resnet50", classes=200, skip=False)
    unused = sum(count(m.downsample) for m in model.modules() if getattr(m, "downsample", None) is not None)
    assert count(model) - unused == 21_141_256


@pytest.mark.parametrize("name", ["vgg11", "vgg13", "vgg16", "vgg19", "resnet18", "resnet50"])
def test_same_names_and_outputs_as_torchvision(name):
    theirs = getattr(torchvision.models, name)(num_classes=10).eval()
    ours = build(name, classes=10).eval()
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images))


def convs(model):
    return [m for m in model.modules() if isinstance(m, nn.Conv2d)]


def test_convolution_counts_of_the_plans():
    with torch.device("meta"):
        counts = {a: len(convs(build(a, classes=10))) for a in ("vgg16", "vgg19", "vgg38", "vgg_deep", "vgg16_plus4")}
    assert counts == {"vgg16": 13, "vgg19": 16, "vgg38": 35, "vgg_deep": 11, "vgg16_plus4": 17}


def test_options_change_what_they_name():
    with torch.device("meta"):
        assert {m.kernel_size for m in convs(build("vgg_deep", classes=3, kernel=5))} == {(5, 5)}
        assert any(isinstance(m, nn.AvgPool2d) for m in build("vgg16", classes=3, pooling="average").modules())
        assert any(isinstance(m, nn.GELU) for m in build("vgg16", classes=3, activation="gelu").modules())
        assert any(isinstance(m, nn.BatchNorm2d) for m in build("vgg16", classes=3, batch_norm=True).modules())
        assert not any(isinstance(m, nn.BatchNorm2d) for m in build("resnet18", classes=3, batch_norm=False).modules())
        bottlenecked = build("vgg_deep", classes=3, bottleneck=True)
        assert count(bottlenecked) < count(build("vgg_deep", classes=3))
        assert any(m.kernel_size == (1, 1) for m in convs(bottlenecked))
        assert {m.out_channels for m in convs(build("vgg_deep", classes=3, width=0.25))} == {16, 32, 64, 128}
        dropouts = [m.p for m in build("vgg16_plus4", classes=3).modules() if isinstance(m, nn.Dropout)]
        assert set(dropouts) == {0.0}


def test_a_skip_changes_the_output_and_no_parameter():
    torch.manual_seed(0)
    images = torch.randn(2, 3, 32, 32)
    plain, residual = (build("resnet18", classes=10, width=0.25, skip=skip, seed=0).eval() for skip in (False, True))
    assert count(plain) == count(residual)
    assert not torch.allclose(plain(images), residual(images))


@pytest.mark.parametrize("architecture", ["vgg_deep", "resnet18", "mlp"])
def test_the_seed_sets_the_weights(architecture):
    options = {"classes": 4} | ({"image_size": 4} if architecture == "mlp" else {"width": 0.25})
    a, b, c = (build(architecture, seed=seed, init="he", **options).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert not all(torch.equal(a[key], c[key]) for key in a)


@pytest.mark.parametrize(
    ("init", "variance"),
    [
        ("default", lambda fan_in, fan_out: 1 / (3 * fan_in)),
        ("xavier", lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
        ("he", lambda fan_in, fan_out: 2 / fan_in),
        ("lecun", lambda fan_in, fan_out: 1 / fan_in),
    ],
)
def test_weight_variances_are_the_published_ones(init, variance):
    model = build("vgg_deep", classes=10, width=0.5, init=init, seed=0)
    for conv in convs(model)[3:]:
        fan_in, fan_out = conv.in_channels * 9, conv.out_channels * 9
        assert conv.weight.var().item() == pytest.approx(variance(fan_in, fan_out), rel=0.05)
        if init != "default":
            assert not conv.bias.any()


@pytest.mark.parametrize("name", ["vgg16", "resnet18"])
def test_torchvision_init_has_torchvisions_spread(name):
    ours = build(name, classes=10, init="torchvision", seed=0)
    torch.manual_seed(1)
    theirs = getattr(torchvision.models, name)(num_classes=10)
    for (key, a), (_, b) in zip(ours.named_parameters(), theirs.named_parameters()):
        if a.numel() > 5000:
            assert a.std().item() == pytest.approx(b.std().item(), rel=0.05), key


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"architecture": "vgg17"}, "'vgg17' is not known; choose one of vgg11"),
        ({"architecture": "vgg16", "skip": True}, "skip: vgg16 has no such option"),
        ({"architecture": "vgg16", "init": "xaver"}, "init: 'xaver'"),
    ],
)
def test_refuses_in_one_sentence(arguments, words):
    with pytest.raises(GradflowError, match=words):
        build(classes=3, **arguments)


def test_every_init_and_architecture_builds_and_runs():
    for architecture, entry in CATALOGUE.items():
        narrow = {"width": 1 / 32} if "width" in entry.options else {}
        for init in INITIALIZATIONS:
            model = build(architecture, classes=5, image_size=32, init=init, **narrow)
            assert model(torch.randn(2, 3, 32, 32)).shape == (2, 5)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_entry_of_the_catalogue_builds_without_memory_and_has_a_face(name):
    entry = CATALOGUE[name]
    look = inspect_network(entry, {}, image_size=32, channels=5)
    assert look.layers and look.size.flops > 0 and entry.label
    assert entry.colour.startswith("#") and [other.label for other in CATALOGUE.values()].count(entry.label) == 1


def test_projections_beside_the_blocks_are_found_by_the_graph_and_nothing_else_is():
    for name in ("vgg13", "resnet18", "resnet50", "cifar_resnet", "mlp"):
        look = inspect_network(CATALOGUE[name], {}, image_size=32)
        assert look.beside == [layer for layer in look.layers if "downsample" in layer]
    unused = inspect_network(CATALOGUE["resnet50"], {"skip": False}, image_size=32)
    assert unused.beside == []  # they never run
