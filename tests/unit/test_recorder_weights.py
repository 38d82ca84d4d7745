"""By default every weight matrix that multiplies has a column, however it is used, and a number where it is trained."""

import math

import numpy as np
import pytest
import torch
from recorder_cases import columns, inputs, judge, net, record, squares
from recorder_networks import CASES, TOKENS, LstmClassifier, transformer
from torch import nn
from torch.nn.functional import linear

from gradflow import GradientRecorder


@pytest.mark.parametrize("case", CASES)
def test_every_matrix_that_multiplies_and_nothing_else_has_a_column(case):
    make, args, names = CASES[case]
    model = make()
    activations, weights = judge(model, args)
    recorder = record(model, args)
    assert set(recorder.layers) == names
    parameters = {f"{n}.weight".lstrip("."): n for n in names} | {n: n for n in names}
    expected = {parameters[name]: norm for name, norm in weights.items() if name in parameters}
    found = columns(recorder, "weight_grad_norm")
    assert found.keys() == expected.keys()
    for name, value in found.items():
        assert value == pytest.approx(expected[name], rel=1e-4), name
    for name, value in columns(recorder, "grad_output_norm").items():
        if name in activations:
            assert value == pytest.approx(activations[name], rel=1e-4), name
        else:
            assert math.isfinite(value) or case == "lstm", name  # a fused LSTM has no output of each product
    assert all(layer.fan_in > 0 for layer in recorder.table)


def test_the_products_of_attention_have_the_gradients_of_their_outputs():
    model, x = transformer(), inputs(2, 3, 8)
    expected = {}

    def keep(name, gradient):
        expected[name] = gradient.norm().item()

    def by_hand(model, x):  # the layer's own formulas
        qkv = linear(x, model.self_attn.in_proj_weight, model.self_attn.in_proj_bias)
        qkv.register_hook(lambda gradient: keep("self_attn.in_proj_weight", gradient))
        q, k, v = (part.view(2, 3, 2, 4).transpose(1, 2) for part in qkv.chunk(3, -1))
        mixed = (q @ k.transpose(-1, -2) / 2).softmax(-1) @ v
        project = model.self_attn.out_proj
        out = linear(mixed.transpose(1, 2).reshape(2, 3, 8), project.weight, project.bias)
        out.register_hook(lambda gradient: keep("self_attn.out_proj", gradient))
        x = model.norm1(x + out)
        return model.norm2(x + model.linear2(torch.relu(model.linear1(x))))

    squares(by_hand(transformer().double(), x.double())).backward()
    found = columns(record(model, (x,)), "grad_output_norm")
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-5)


def test_columns_of_functions_stand_in_forward_order_and_say_their_sizes():
    recorder = record(transformer(), (inputs(2, 3, 8),))
    assert recorder.layers == ["self_attn.in_proj_weight", "self_attn.out_proj", "linear1", "linear2"]
    assert [layer.depth for layer in recorder.table] == [0, 1, 2, 3]
    assert [layer.weight_numel for layer in recorder.table] == [192, 64, 128, 128]
    assert [layer.fan_in for layer in recorder.table] == [8, 8, 8, 16]


def test_biases_norm_layers_and_embeddings_on_request():
    model = LstmClassifier()
    names = ["head.bias", "embedding", "rnn.bias_ih_l0"]
    recorder = record(model, (TOKENS,), layers=names)
    _, weights = judge(model, (TOKENS,))
    assert set(recorder.layers) == set(names)
    found = columns(recorder, "weight_grad_norm")
    for name, parameter in zip(names, ["head.bias", "embedding.weight", "rnn.bias_ih_l0"]):
        assert found[name] == pytest.approx(weights[parameter], rel=1e-5)
    assert record(transformer(), (inputs(2, 3, 8),), layers=nn.LayerNorm).layers == ["norm1", "norm2"]
    assert record(model, (TOKENS,), layers=nn.LSTM).layers[0] == "rnn.weight_ih_l0"
    assert record(net(), (inputs(4, 5),), layers="2").layers == ["2"]


def test_an_alias_of_a_tied_module_is_a_name_too():
    model = net()
    model.alias = model[0]
    assert record(model[:3], (inputs(4, 5),)).layers == ["0", "2"]
    tied = nn.Module()
    tied.a = tied.b = nn.Linear(3, 3)
    tied.forward = lambda x: tied.b(torch.tanh(tied.a(x)))
    assert record(tied, (inputs(4, 3),), layers=["b"]).layers == ["b"]


def test_a_weight_first_used_later_through_a_function_gets_its_numbers():
    class Late(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.first, self.late, self.open = nn.Linear(5, 5), nn.Linear(5, 5), False

        def forward(self, x):
            x = self.first(x)
            return linear(x, self.late.weight) if self.open else x

    model, x = Late(), inputs(4, 5)
    with GradientRecorder(model) as recorder:
        for opened in (False, True, True):
            model.open = opened
            model.zero_grad()
            squares(model(x)).backward()
            recorder.step()
    norms = recorder.norms()
    late = recorder.layers.index("late")
    assert np.isnan(norms["weight_grad_norm"][:, late]).tolist() == [True, False, False]
    assert norms["weight_grad_norm"][1, late] == pytest.approx(model.late.weight.grad.norm().item(), rel=1e-5)
    assert np.isfinite(norms["grad_output_norm"][2, late])
