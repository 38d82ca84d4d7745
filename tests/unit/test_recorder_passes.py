"""A row holds exactly the backward passes whose weight gradients the optimizer is about to use, or has just used."""

import pytest
import torch
from recorder_cases import X, assert_last_pass, inputs, loss_of, net, squares
from torch import nn

from gradflow import GradientRecorder


def saliency_backward(model, optimizer):
    squares(model(X.clone().requires_grad_())).backward()
    model.zero_grad()
    loss_of(model).backward()


def saliency_grad(model, optimizer):
    x = X.clone().requires_grad_()
    torch.autograd.grad(squares(model(x)), x)
    loss_of(model).backward()


def adversarial(model, optimizer):
    x = X.clone().requires_grad_()
    torch.autograd.grad(squares(model(x)), x)
    torch.autograd.grad(squares(model(x)), x)
    optimizer.zero_grad()
    loss_of(model).backward()


def gradients_alone(model, optimizer):
    torch.autograd.grad(loss_of(model), list(model.parameters()))
    loss_of(model).backward()


def inputs_alone(model, optimizer):
    x = X.clone().requires_grad_()
    squares(model(x)).backward(inputs=[x])
    loss_of(model).backward()


def discriminator_of_a_gan(model, optimizer):
    generator = nn.Linear(3, 5)
    (-model(generator(inputs(6, 3))).mean()).backward()
    model.zero_grad()
    loss_of(model).backward()


def zeroed_in_place(model, optimizer):
    loss_of(model).backward()
    optimizer.zero_grad(set_to_none=False)
    loss_of(model).backward()


def zeroed_through_data(model, optimizer):
    loss_of(model).backward()
    for parameter in model.parameters():
        parameter.grad.data.zero_()
    loss_of(model).backward()


def a_skipped_batch(model, optimizer):
    squares(model(inputs(9, 5, seed=3))).backward()
    optimizer.zero_grad()
    loss_of(model).backward()


def retained_graph(model, optimizer):
    value = loss_of(model)
    value.backward(retain_graph=True)
    optimizer.zero_grad()
    value.backward()


def functional_gradient(model, optimizer):
    def value(parameters):
        return squares(torch.func.functional_call(model, parameters, (X,)))

    torch.func.grad(value)(dict(model.named_parameters()))
    loss_of(model).backward()


def per_sample_gradients(model, optimizer):
    def value(parameters, x):
        return squares(torch.func.functional_call(model, parameters, (x[None],)))

    torch.func.vmap(torch.func.grad(value), in_dims=(None, 0))(dict(model.named_parameters()), X)
    loss_of(model).backward()


def a_backward_that_failed(model, optimizer):
    output = model(X)
    output.register_hook(lambda gradient: None)
    bad = model[0](X)
    bad.register_hook(lambda gradient: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        squares(model[2](torch.tanh(bad))).backward()
    optimizer.zero_grad()
    loss_of(model).backward()


def evaluation_with_gradients(model, optimizer):
    loss_of(model).backward()
    model(inputs(7, 5, seed=4))


@pytest.mark.parametrize(
    "passes",
    [
        saliency_backward,
        saliency_grad,
        adversarial,
        gradients_alone,
        inputs_alone,
        discriminator_of_a_gan,
        zeroed_in_place,
        zeroed_through_data,
        a_skipped_batch,
        retained_graph,
        functional_gradient,
        per_sample_gradients,
        a_backward_that_failed,
        evaluation_with_gradients,
    ],
)
@pytest.mark.parametrize("earlier", [0, 2])
def test_passes_that_no_step_uses_are_in_no_row(passes, earlier):
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with GradientRecorder(model) as recorder:
        for _ in range(earlier):
            optimizer.zero_grad()
            loss_of(model).backward()
            recorder.step()
            optimizer.step()
        optimizer.zero_grad()
        passes(model, optimizer)
        recorder.step()
    assert_last_pass(recorder, model)
