"""What the tests of the recorder's situations share: small networks, and autograd in float64 as the judge."""

import copy

import pytest
import torch
from torch import nn

from gradflow import GradientRecorder


def net(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))


def inputs(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def squares(output):
    """A loss of any output."""
    found = [part for part in (output if isinstance(output, tuple) else (output,)) if isinstance(part, torch.Tensor)]
    return sum(_of(part) for part in found if part.is_floating_point())


def _of(part):
    weights = torch.arange(part.numel(), dtype=part.dtype).cos().view(part.shape)  # or a norm layer hides all of it
    return part.square().mean() + (part * weights).mean()


def double(value):
    return value.double() if isinstance(value, torch.Tensor) and value.is_floating_point() else value


def judge(model, args, loss=squares):
    """Return by autograd alone, in float64: {layer: ‖∂L/∂z‖}, {parameter: ‖∂L/∂W‖}.

    The outputs are cloned by a hook, so that what is done in place to them later cannot touch what is differentiated.
    """
    twin, outputs = copy.deepcopy(model).double(), {}

    def hook(name):
        def after(module, given, output):
            kept = output.clone()
            outputs.setdefault(name, []).append(kept)
            return kept.clone()

        return after

    for name, module in twin.named_modules():
        if isinstance(module, nn.modules.conv._ConvNd | nn.Linear):
            module.register_forward_hook(hook(name))
    value = loss(twin(*map(double, args)))
    parameters = {name: p for name, p in twin.named_parameters() if p.requires_grad}
    flat = [output for uses in outputs.values() for output in uses]
    gradients = torch.autograd.grad(value, [*flat, *parameters.values()], allow_unused=True)
    by_output = iter(gradients[: len(flat)])
    activations = {
        name: torch.cat([g.flatten() for g in (next(by_output) for _ in uses) if g is not None]).norm().item()
        for name, uses in outputs.items()
    }
    weights = zip(parameters, gradients[len(flat) :])
    return activations, {name: g.norm().item() for name, g in weights if g is not None}


def record(model, args, loss=squares, **settings):
    """Return a recorder with the one row of one step."""
    batch_size = settings.pop("batch_size", None)
    model.zero_grad()
    with GradientRecorder(model, **settings) as recorder:
        loss(model(*args)).backward()
        recorder.step(batch_size)
    return recorder


def columns(recorder, quantity, row=-1):
    return dict(zip(recorder.layers, recorder.norms()[quantity][row].astype(float)))


X = inputs(4, 5)


def loss_of(model, x=X):
    return squares(model(x))


def assert_last_pass(recorder, model, x=X, batch=4, loss=squares):
    activations, weights = judge(model, (x,), loss)
    assert recorder.batch_sizes[-1] == batch
    for name, value in columns(recorder, "grad_output_norm").items():
        assert value == pytest.approx(activations[name], rel=1e-5), name
    for name, value in columns(recorder, "weight_grad_norm").items():
        assert value == pytest.approx(weights[f"{name}.weight"], rel=1e-5), name
