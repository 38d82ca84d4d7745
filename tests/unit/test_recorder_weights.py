"""By default every weight matrix that multiplies has a column, however it is used, and a number where it is trained."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from recorder_cases import columns, inputs, judge, net, record, squares
from torch import nn
from torch.nn.functional import linear
from torch.nn.utils import parametrizations, prune

from gradflow import GradientRecorder


class Functional(nn.Module):
    """Weights of one's own, used through functions, beside parameters that only add or scale."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.inner = nn.Linear(5, 6)  # never called
        self.matrix = nn.Parameter(torch.randn(6, 7) / 3)
        self.kernel = nn.Parameter(torch.randn(3, 7, 7) / 3)
        self.parts = nn.ParameterList([nn.Parameter(torch.randn(2, 7) / 3) for _ in range(2)])
        self.position = nn.Parameter(torch.randn(1, 4, 7))
        self.scale = nn.Parameter(torch.ones(7, 1))

    def forward(self, x):
        x = torch.tanh(linear(x, self.inner.weight, self.inner.bias)) @ self.matrix + self.position
        x = torch.einsum("btc,kcd->btkd", x, self.kernel).sum(2) * self.scale.T
        return linear(x, torch.cat(list(self.parts)))


class Conv1D(nn.Module):
    """The linear layer of GPT-2: no nn.Linear, its weight the other way round."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(inputs, outputs) / 3), nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        return torch.addmm(self.bias, x.reshape(-1, x.shape[-1]), self.weight).view(*x.shape[:-1], -1)


class LstmClassifier(nn.Module):
    def __init__(self, kind=nn.LSTM):
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.rnn, self.head = nn.Embedding(11, 5), kind(5, 6, 2, batch_first=True), nn.Linear(6, 3)

    def forward(self, tokens):
        return self.head(self.rnn(self.embedding(tokens))[0][:, -1])


class Denoiser(nn.Module):
    """A small U-Net of a diffusion model: a time embedding, attention, skips by concatenation."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.time = nn.Sequential(nn.Linear(8, 16), nn.SiLU(), nn.Linear(16, 8))
        self.down, self.up = nn.Conv2d(3, 8, 3, 2, 1), nn.ConvTranspose2d(8, 8, 4, 2, 1)
        self.norm, self.attention = nn.GroupNorm(2, 8), nn.MultiheadAttention(8, 2, batch_first=True)
        self.out = nn.Conv2d(11, 3, 3, padding=1)

    def forward(self, x, time):
        angles = time[:, None] * 2.0 ** torch.arange(4, dtype=x.dtype)
        h = self.down(x) + self.time(torch.cat([angles.sin(), angles.cos()], 1))[:, :, None, None]
        flat = self.norm(h).flatten(2).transpose(1, 2)
        h = h + self.attention(flat, flat, flat, need_weights=False)[0].transpose(1, 2).view_as(h)
        return self.out(torch.cat([nn.functional.silu(self.up(h)), x], 1))


class GraphNet(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.weight = nn.Linear(4, 6), nn.Parameter(torch.randn(6, 3) / 3)

    def forward(self, edge_index, x):
        h = torch.relu(self.first(x))
        return (torch.zeros_like(h).index_add(0, edge_index[1], h[edge_index[0]])) @ self.weight


def transformer():
    torch.manual_seed(0)
    return nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)


def decoder():
    torch.manual_seed(0)
    return nn.TransformerDecoderLayer(8, 2, 16, dropout=0.0, batch_first=True)


def gpt2_block():
    torch.manual_seed(0)
    return nn.Sequential(nn.LayerNorm(5), Conv1D(5, 12), nn.GELU(), Conv1D(12, 5))


TOKENS = torch.randint(11, (3, 4), generator=torch.Generator().manual_seed(0))
EDGES = torch.tensor([[0, 1, 2, 3, 4], [1, 2, 3, 4, 0]])
CASES = {
    "functions": (Functional, (inputs(2, 4, 5),), {"inner", "matrix", "kernel", "parts.0", "parts.1"}),
    "gpt2": (gpt2_block, (inputs(2, 4, 5),), {"1", "3"}),
    "transformer": (
        transformer,
        (inputs(2, 3, 8),),
        {"self_attn.in_proj_weight", "self_attn.out_proj", "linear1", "linear2"},
    ),
    "decoder": (
        decoder,
        (inputs(2, 3, 8), inputs(2, 5, 8, seed=2)),
        {f"{a}.{w}" for a in ("self_attn", "multihead_attn") for w in ("in_proj_weight", "out_proj")}
        | {"linear1", "linear2"},
    ),
    "lstm": (
        LstmClassifier,
        (TOKENS,),
        {f"rnn.weight_{i}_l{layer}" for i in ("ih", "hh") for layer in (0, 1)} | {"head"},
    ),
    "gru": (
        lambda: LstmClassifier(nn.GRU),
        (TOKENS,),
        {f"rnn.weight_{i}_l{layer}" for i in ("ih", "hh") for layer in (0, 1)} | {"head"},
    ),
    "denoiser": (
        Denoiser,
        (inputs(2, 3, 8, 8), torch.tensor([1.0, 7.0])),
        {"time.0", "time.2", "down", "up", "attention.in_proj_weight", "attention.out_proj", "out"},
    ),
    "bilinear": (lambda: nn.Bilinear(3, 4, 5), (inputs(6, 3), inputs(6, 4)), {""}),
    "one linear layer": (lambda: nn.Linear(3, 4), (inputs(6, 3),), {""}),
}


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


# -- weights that are computed from others -------------------------------------------------------------------------


def weight_normed(model):
    parametrizations.weight_norm(model[0])


def weight_normed_the_old_way(model):
    with pytest.warns(FutureWarning):
        nn.utils.weight_norm(model[0])


def spectrally_normed(model):
    parametrizations.spectral_norm(model[0])


def spectrally_normed_the_old_way(model):
    nn.utils.spectral_norm(model[0])


def pruned(model):
    prune.l1_unstructured(model[0], "weight", amount=0.3)


def orthogonal(model):
    parametrizations.orthogonal(model[0])


class Symmetric(nn.Module):
    def forward(self, weight):
        return weight.tanh() * 2


def of_ones_own(model):
    nn.utils.parametrize.register_parametrization(model[0], "weight", Symmetric())


KINDS = [
    weight_normed,
    weight_normed_the_old_way,
    spectrally_normed,
    spectrally_normed_the_old_way,
    pruned,
    orthogonal,
    of_ones_own,
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_computed_weight_is_recorded_as_it_multiplies(kind):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))
    kind(model)
    x, seen = inputs(4, 5), []
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    def product(module, args, output):  # ∂L/∂W of the weight that multiplied, by autograd: the sum of δ xᵀ
        output.register_hook(lambda gradient: seen.append((gradient.double().T @ args[0].double()).norm().item()))

    model[0].register_forward_hook(product)
    weights = []
    with GradientRecorder(model) as recorder:
        for _ in range(3):
            optimizer.zero_grad()
            squares(model(x)).backward()
            recorder.step()
            weights.append(recorder._gradients._weights["0"].value.detach().clone())
            optimizer.step()
        model(x)
        recorder.norms()
        weights.append(recorder._gradients._weights["0"].value.detach().clone())
    norms = recorder.norms()
    assert recorder.layers == ["0", "2"] and recorder.table[0].weight_numel == 40 and recorder.table[0].fan_in == 5
    np.testing.assert_allclose(norms["weight_grad_norm"][:, 0], seen, rtol=1e-5)
    np.testing.assert_allclose(norms["weight_norm"][:, 0], [w.norm().item() for w in weights[:3]], rtol=1e-5)
    changes = [(b - a).norm().item() / a.norm().item() for a, b in pairwise(weights)]
    np.testing.assert_allclose(norms["update_ratio"][:, 0], changes, rtol=1e-3, atol=1e-6)


def test_accumulated_gradients_of_a_computed_weight_add_up():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))
    weight_normed(model)
    x = inputs(8, 5)
    whole = record(model, (x,), loss=lambda output: output.square().mean())
    model.zero_grad()
    with GradientRecorder(model) as recorder:
        for half in (x[:4], x[4:]):
            (model(half).square().mean() / 2).backward()
        recorder.step()
    np.testing.assert_allclose(recorder.norms()["weight_grad_norm"], whole.norms()["weight_grad_norm"], rtol=1e-5)
