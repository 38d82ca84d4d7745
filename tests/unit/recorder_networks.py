"""Small networks of the kinds that people record: attention, recurrence, functions, computed weights."""

import pytest
import torch
from recorder_cases import inputs
from torch import nn
from torch.nn.functional import linear
from torch.nn.utils import parametrizations, prune


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
