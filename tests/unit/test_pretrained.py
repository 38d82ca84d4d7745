"""Pretrained weights: torchvision's own, all but the last layer, or one sentence."""

import pytest
import torch
import torchvision
from torch import nn

from gradflow import GradflowError, build


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A VGG19 of torchvision's with weights of its own, as the file that torchvision publishes would be."""
    torch.manual_seed(7)
    model = torchvision.models.vgg19()
    path = tmp_path_factory.mktemp("weights") / "vgg19.pth"
    torch.save(model.state_dict(), path)
    return path, model.state_dict()


def test_all_but_the_last_layer_are_the_files(weights):
    path, state = weights
    model = build("vgg19", classes=10, init="pretrained", seed=0, weights=path)
    torch.manual_seed(0)
    ours = model.state_dict()
    assert ours.keys() == state.keys()
    assert all(torch.equal(ours[name], state[name]) for name in state if not name.startswith("classifier.6."))
    assert ours["classifier.6.weight"].shape == (10, 4096)
    assert ours["classifier.6.weight"].abs().max() <= 4096**-0.5  # torch's own, as in notebook 000
    assert sum(p.numel() for p in model.parameters()) == 139_611_210


def test_the_published_file_is_the_one_the_config_names():
    import yaml

    from conftest import ROOT

    named = yaml.safe_load((ROOT / "config.yaml").read_text())["downloads"]["vgg19_weights"]
    published = torchvision.models.VGG19_Weights.IMAGENET1K_V1
    assert named["urls"] == [published.url]
    assert named["sha256"].startswith(published.url.rsplit("-", 1)[1].removesuffix(".pth"))
    assert abs(named["bytes"] / 2**20 - published.meta["_file_size"]) < 0.001


def test_other_weights_are_refused_in_one_sentence(tmp_path):
    path = tmp_path / "other.pth"
    for content in (nn.Linear(3, 3).state_dict(), [1, 2, 3]):
        torch.save(content, path)
        with pytest.raises(GradflowError, match="does not hold") as caught:
            build("vgg19", classes=10, init="pretrained", weights=path, width=0.02)
        assert "\n" not in str(caught.value)
    path.write_bytes(b"not weights")
    with pytest.raises(GradflowError, match="does not hold"):
        build("vgg19", classes=10, init="pretrained", weights=path, width=0.02)
    with pytest.raises(GradflowError, match="needs the file of the weights"):
        build("vgg19", classes=10, init="pretrained", width=0.02)


def test_nothing_in_a_file_of_weights_is_run(tmp_path):
    class Hostile:
        def __reduce__(self):
            return (open, (str(tmp_path / "evil.txt"), "w"))

    path = tmp_path / "hostile.pth"
    torch.save({"features.0.weight": Hostile()}, path)
    with pytest.raises(GradflowError, match="does not hold"):
        build("vgg19", classes=10, init="pretrained", weights=path, width=0.02)
    assert not (tmp_path / "evil.txt").exists()
