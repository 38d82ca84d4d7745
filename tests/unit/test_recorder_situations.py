"""Situations that people meet: views written to in place, batches that do not come first, odd tensors."""

import numpy as np
import pytest
import torch
from recorder_cases import columns, inputs, judge, net, record, squares
from torch import nn
from torch.utils.checkpoint import checkpoint

from gradflow import GradflowError, GradientRecorder

X = inputs(4, 5)


# -- in place after a view -----------------------------------------------------------------------------------------


class Transposed(nn.Module):
    """A module whose output is a view in another order."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(5, 6, bias=False)

    def forward(self, x):
        return self.inner(x).transpose(1, 2)


class InPlace(nn.Module):
    """A layer used several times, with what is done to its output in place."""

    def __init__(self, layer, change, times=1):
        super().__init__()
        self.layer, self.change, self.times = layer, change, times

    def forward(self, x):
        for _ in range(self.times):
            x = self.layer(x)
            self.change(x)
        return x * 1


CHANGES = {
    "relu_": lambda z: z.relu_(),
    "add_": lambda z: z.add_(1.0).mul_(2.0),
    "a part": lambda z: z[..., :2].mul_(3.0),
    "another view": lambda z: z.view(-1).mul_(3.0),
    "nothing": lambda z: None,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("shape", [(4, 5), (4, 3, 5), (2, 4, 3, 5)])
def test_what_is_done_in_place_to_an_output_later_does_not_touch_its_gradient(change, times, shape):
    torch.manual_seed(0)
    model, x = InPlace(nn.Linear(5, 5), CHANGES[change], times), inputs(*shape)
    activations, _ = judge(model, (x,))
    recorder = record(model, (x,))
    assert columns(recorder, "grad_output_norm")["layer"] == pytest.approx(activations["layer"], rel=1e-5)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv2d(3, 4, 3), (3, 6, 6)),  # without a batch: a view
        (nn.Conv1d(3, 4, 3), (2, 3, 8)),
        (nn.ConvTranspose2d(3, 4, 3), (2, 3, 5, 5)),
        (nn.Linear(5, 6, bias=False), (2, 3, 5)),
    ],
)
def test_layers_of_other_kinds_before_something_in_place(layer, shape):
    model, x = nn.Sequential(layer, nn.ReLU(inplace=True)), inputs(*shape)
    activations, _ = judge(model, (x,))
    found = columns(record(model, (x,), batch_size=2), "grad_output_norm")
    assert found["0"] == pytest.approx(activations["0"], rel=1e-5)


def test_a_module_that_returns_a_view_of_its_own():
    torch.manual_seed(0)
    model, x = nn.Sequential(Transposed(), nn.ReLU(inplace=True)), inputs(4, 3, 5)
    activations, _ = judge(model, (x,))
    found = columns(record(model, (x,), layers=["0", "0.inner"]), "grad_output_norm")
    assert found["0"] == pytest.approx(activations["0.inner"], rel=1e-5) == found["0.inner"]


# -- batches -------------------------------------------------------------------------------------------------------


class Recurrent(nn.Module):
    def __init__(self, batch_first):
        super().__init__()
        torch.manual_seed(0)
        self.rnn, self.head, self.first = nn.GRU(5, 6, batch_first=batch_first), nn.Linear(6, 3), batch_first

    def forward(self, x):
        hidden = self.rnn(x)[0]
        return self.head(hidden[:, -1] if self.first else hidden[-1])


class Graph(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 3)

    def forward(self, edge_index, x):
        return self.layer(x) + torch.zeros(len(x), 3).index_add(0, edge_index[1], self.layer(x)[edge_index[0]])


def test_a_batch_that_is_the_second_dimension_is_asked_for():
    x = inputs(7, 4, 5)
    with pytest.raises(GradflowError, match=r"\[7, 4, 5\].*batch_dim=.*batch_size="):
        record(Recurrent(False), (x,))
    told, numbered = record(Recurrent(False), (x,), batch_dim=1), record(Recurrent(False), (x,), batch_size=4)
    first = record(Recurrent(True), (x.transpose(0, 1),))
    for recorder in (told, numbered, first):
        assert recorder.batch_sizes.tolist() == [4]
        for quantity in ("grad_sample_norm", "grad_rms"):
            np.testing.assert_allclose(recorder.norms()[quantity], first.norms()[quantity], rtol=1e-5)


def test_the_edges_of_a_graph_are_no_batch():
    edges = torch.tensor([[0, 1, 2, 3, 4], [1, 2, 3, 4, 0]])
    for x in (inputs(5, 5), inputs(6, 5)):
        with pytest.raises(GradflowError, match=r"edges of a graph.*batch_size="):
            record(Graph(), (edges, x))
    recorder = record(Graph(), (edges, inputs(6, 5)), batch_size=6)
    assert recorder.batch_sizes.tolist() == [6] and np.isfinite(recorder.norms()["grad_rms"]).all()


def test_an_input_without_a_batch_is_asked_for():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(0), nn.Linear(64, 2))
    with pytest.raises(GradflowError, match="which dimension"):
        record(model, (inputs(3, 6, 6),))
    assert np.isfinite(record(model, (inputs(3, 6, 6),), batch_size=1).norms()["grad_rms"]).all()


def test_tokens_that_come_out_flat_are_a_batch():
    model = nn.Sequential(nn.Embedding(9, 5), nn.Flatten(0, 1), nn.Linear(5, 9))
    assert record(model, (torch.randint(9, (3, 4)),)).batch_sizes.tolist() == [3]


# -- ranges and odd tensors ----------------------------------------------------------------------------------------


def test_float64_gradients_below_the_range_of_float32():
    torch.manual_seed(0)
    layers = [module for _ in range(60) for module in (nn.Linear(8, 8), nn.Sigmoid())]
    model = nn.Sequential(*layers, nn.Linear(8, 2)).double()
    activations, weights = judge(model, (inputs(4, 8).double(),))
    recorder = record(model, (inputs(4, 8).double(),))
    assert activations["0"] < 1e-45
    for name, value in columns(recorder, "grad_output_norm").items():
        assert value == pytest.approx(activations[name], rel=1e-10), name
    for name, value in columns(recorder, "weight_grad_norm").items():
        assert value == pytest.approx(weights[f"{name}.weight"], rel=1e-10), name


def test_complex_layers():
    torch.manual_seed(0)
    x = torch.randn(3, 5, dtype=torch.complex64)
    model = nn.Sequential(nn.Linear(5, 4, dtype=x.dtype), nn.Linear(4, 2, dtype=x.dtype))
    recorder = record(model, (x,), loss=lambda z: z.abs().square().mean())
    found = columns(recorder, "weight_grad_norm")
    for name, value in found.items():
        assert value == pytest.approx(
            model.get_submodule(name).weight.grad.abs().square().sum().sqrt().item(), rel=1e-5
        )


def test_a_sparse_gradient():
    model = nn.Sequential(nn.Embedding(9, 5, sparse=True), nn.Flatten(), nn.Linear(20, 3))
    recorder = record(model, (torch.randint(9, (3, 4)),), layers=(nn.Embedding, nn.Linear))
    expected = model[0].weight.grad.to_dense().norm().item()
    assert columns(recorder, "weight_grad_norm")["0"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: nn.Sequential(nn.LazyLinear(3)), "no weight before its first input"),
        (lambda: torch.compile(net()), "compiled model, whose"),
        (lambda: nn.Sequential(torch.compile(nn.Linear(5, 2)), nn.Tanh()), "compiled model .its part '0'."),
    ],
)
def test_models_that_cannot_be_recorded_yet(model, words):
    with pytest.raises(GradflowError, match=words) as caught:
        GradientRecorder(model())
    assert "\n" not in str(caught.value)


def test_a_lazy_layer_after_its_first_input():
    model = nn.Sequential(nn.LazyLinear(3), nn.Linear(3, 2))
    model(X)
    assert np.isfinite(record(model, (X,)).norms()["weight_grad_norm"]).all()


def test_a_model_without_memory_is_refused_in_step():
    model = net().to("meta")
    with GradientRecorder(model) as recorder, pytest.raises(GradflowError, match="meta device"):
        model(X.to("meta")).sum().backward()
        recorder.step()


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpointed_parts(reentrant):
    class Parts(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = net()

        def forward(self, x):
            return checkpoint(self.inner, x, use_reentrant=reentrant)

    x = X.clone().requires_grad_()
    expected = record(net(), (x,)).norms()
    recorder = record(Parts(), (x,))
    for quantity in ("grad_output_norm", "weight_grad_norm", "grad_sample_norm"):
        np.testing.assert_array_equal(recorder.norms()[quantity], expected[quantity])


def test_a_network_whose_base_is_frozen():
    model = net()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    model.append(nn.Linear(2, 2))
    activations, _ = judge(model, (X.clone().requires_grad_(),))
    x = X.clone().requires_grad_()
    with GradientRecorder(model) as recorder:
        squares(model(x)).backward()
        model.zero_grad()
        squares(model(x)).backward()
        recorder.step()
    for name, value in columns(recorder, "grad_output_norm").items():
        assert value == pytest.approx(activations[name], rel=1e-5)
    assert np.isnan(recorder.norms()["weight_grad_norm"][0]).tolist() == [True, True, False]


def test_a_network_in_which_nothing_is_trained_but_its_input():
    model = net().requires_grad_(False)
    activations, _ = judge(model, (X.clone().requires_grad_(),))
    x = X.clone().requires_grad_()
    with GradientRecorder(model) as recorder:
        for _ in range(2):
            squares(model(x)).backward()
            recorder.step()
    for row in recorder.norms()["grad_output_norm"]:
        assert row.tolist() == pytest.approx([activations["0"], activations["2"]], rel=1e-5)
