"""Every trained matrix of the networks that people take from torchvision has its number."""

import functools

import numpy as np
import pytest
import torch
import torchvision
from recorder_cases import columns, inputs, judge, record
from torch import nn
from torch.nn.functional import cross_entropy

FAMILIES = {
    "resnet18": {},
    "vgg11_bn": {},
    "densenet121": {},
    "mobilenet_v2": {},
    "mobilenet_v3_small": {},
    "efficientnet_b0": {},
    "shufflenet_v2_x0_5": {},
    "squeezenet1_1": {},
    "regnet_y_400mf": {},
    "mnasnet0_5": {},
    "convnext_tiny": {},
    "swin_t": {},
    "swin_v2_t": {},
    "vit_b_16": {"image_size": 64},
}


@pytest.mark.parametrize("name", FAMILIES)
def test_every_trained_matrix_of_a_torchvision_family_has_its_number(name):
    torch.manual_seed(0)
    model = getattr(torchvision.models, name)(num_classes=10, **FAMILIES[name])
    for module in model.modules():
        if isinstance(module, nn.Dropout | torchvision.ops.StochasticDepth):
            module.p = 0.0
    images, labels = inputs(2, 3, 64, 64), torch.tensor([1, 7])
    loss = functools.partial(lambda logits: cross_entropy(logits, labels))
    with torch.no_grad():  # heads that are zero as delivered would hide everything
        for parameter in model.parameters():
            if parameter.dim() == 2 and not parameter.any():
                parameter.normal_(std=0.02)
    _, expected = judge(model, (images,), loss)
    recorder = record(model, (images,), loss)
    single = {n: p.grad.double().norm().item() for n, p in model.named_parameters() if p.grad is not None}
    found = columns(recorder, "weight_grad_norm")
    matrices = {
        n.removesuffix(".weight")
        for n, p in model.named_parameters()
        if p.squeeze().dim() > 1 and not any(word in n for word in ("pos_embedding", "bias_table"))
    }
    assert set(found) >= matrices
    for column, value in found.items():
        parameter = column if column in expected else f"{column}.weight"
        limit = max(1e-4, 2 * abs(single[parameter] / expected[parameter] - 1))  # what float32 itself is off
        assert value == pytest.approx(single[parameter], rel=1e-5), column
        assert value == pytest.approx(expected[parameter], rel=limit), column
    assert np.isfinite(recorder.norms()["grad_output_norm"]).all()
