"""A recorder never changes what the model computes, and leaves nothing behind: to the bit, over all that trains."""

import copy
import gc
import io
import pickle
import sys
import weakref

import pytest
import torch
from recorder_cases import inputs, net, squares
from recorder_networks import CASES, KINDS
from torch import nn
from torch.optim import Optimizer

from gradflow import GradientRecorder


def in_place_views():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 6), nn.ReLU(inplace=True), nn.Linear(6, 2))


def convolutions():
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Dropout(0.3), nn.Flatten())
    return nn.Sequential(*layers, nn.Linear(216, 2))


def computed(kind):
    def make():
        model = net()
        kind(model)
        return model

    return make


MODELS = {name: (make, args) for name, (make, args, _) in CASES.items()}
MODELS |= {kind.__name__: (computed(kind), (inputs(4, 5),)) for kind in KINDS}
MODELS |= {"in place": (in_place_views, (inputs(4, 3, 5),)), "convolutions": (convolutions, (inputs(4, 3, 8, 8),))}


def train(model, args, recorded, steps=4):
    """Return all bits that training leaves: outputs, gradients, weights, buffers, the random state."""
    torch.manual_seed(5)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    left = []
    recorder = GradientRecorder(model, record=["activation_norm"]) if recorded else None
    if recorder:
        recorder.__enter__()
    for step in range(steps):
        optimizer.zero_grad()
        output = model(*args)
        squares(output).backward()
        left += [p.grad.clone() for p in model.parameters() if p.grad is not None]
        if recorder:
            recorder.step()
            recorder.last()
        optimizer.step()
        if step == 1:
            model.eval()
            with torch.no_grad():
                left += [part for part in (model(*args),) if isinstance(part, torch.Tensor)]
            model.train()
        left += [output] if isinstance(output, torch.Tensor) else list(output)
    if recorder:
        recorder.__exit__()
    return [*left, *model.state_dict().values(), torch.get_rng_state()]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore")
def test_every_bit_is_as_without_a_recorder(name):
    make, args = MODELS[name]
    plain, recorded = (train(make(), args, recorded) for recorded in (False, True))
    assert len(plain) == len(recorded)
    for one, other in zip(plain, recorded):
        assert torch.equal(one.detach(), other.detach())


@pytest.mark.parametrize("name", [kind.__name__ for kind in KINDS])
@pytest.mark.filterwarnings("ignore")
def test_making_a_recorder_moves_nothing(name):
    make, args = MODELS[name]
    models = make(), make()
    recorder = GradientRecorder(models[1])
    assert len(recorder.table) == 2
    outputs = [model(*args) for model in models]
    assert torch.equal(*outputs)


def hooks_of(model):
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks", "_state_dict_hooks")
    return sum(len(getattr(module, kind)) for module in model.modules() for kind in kinds)


def all_hooks():
    module = torch.nn.modules.module
    kinds = (module._global_forward_hooks, module._global_forward_pre_hooks, module._global_backward_hooks)
    optimizer = sys.modules[Optimizer.__module__]
    kinds += (optimizer._global_optimizer_pre_hooks, optimizer._global_optimizer_post_hooks)
    return [len(kind) for kind in kinds]


def test_no_hook_and_no_reference_is_left():
    model, x = net(), inputs(4, 5).requires_grad_()
    model.append(nn.Identity())
    before, scale = all_hooks(), torch.amp.GradScaler.scale
    with GradientRecorder(model, (nn.Linear, nn.Identity)) as recorder:
        assert hooks_of(model) == 0
        for _ in range(3):
            value = squares(model(x))
            value.backward(retain_graph=True)
            model.zero_grad()
            squares(model(x)).backward()
            recorder.step()
        squares(model(x)).backward()
    assert all_hooks() == before and torch.amp.GradScaler.scale is scale and hooks_of(model) == 0
    assert not x._backward_hooks
    gone = weakref.ref(recorder)
    del recorder
    gc.collect()
    assert gone() is None and value.grad_fn is not None  # a graph that the user keeps keeps no recorder


def test_an_input_that_a_layer_returns_carries_no_hook_after_the_step():
    model, x = nn.Sequential(nn.Identity(), nn.Linear(5, 2)), inputs(4, 5).requires_grad_()
    with GradientRecorder(model, (nn.Identity, nn.Linear)) as recorder:
        for _ in range(3):
            model.zero_grad()
            squares(model(x)).backward()
            recorder.step()
            assert not x._backward_hooks
    assert recorder.norms()["grad_output_norm"][0, 0] == pytest.approx(x.grad.norm().item() / 3, rel=1e-5)


def test_a_recorder_that_is_dropped_inside_its_block_ends_by_itself():
    model = net()
    recorder = GradientRecorder(model).__enter__()
    gone = weakref.ref(model)
    squares(model(inputs(4, 5))).backward()
    del recorder, model
    gc.collect()
    assert gone() is None


def test_copies_made_while_it_records_are_not_recorded_and_carry_nothing():
    model = net()
    x = inputs(4, 5)
    with GradientRecorder(model) as recorder:
        twin = copy.deepcopy(model)
        averaged = torch.optim.swa_utils.AveragedModel(model)
        squares(model(x)).backward()
        squares(twin(x)).backward()
        squares(averaged(x)).backward()
        recorder.step()
    alone = net()
    with GradientRecorder(alone) as other:
        squares(alone(x)).backward()
        other.step()
    for name, array in recorder.norms().items():
        assert array.tobytes() == other.norms()[name].tobytes(), name
    assert hooks_of(twin) == hooks_of(averaged) == 0
    assert recorder.batch_sizes.tolist() == [4]


@pytest.mark.parametrize("through", ["torch.save", "pickle", "deepcopy"])
def test_a_model_is_saved_while_it_records(through):
    model = net()
    with GradientRecorder(model) as recorder:
        squares(model(inputs(4, 5))).backward()
        if through == "torch.save":
            buffer = io.BytesIO()
            torch.save(model, buffer)
            buffer.seek(0)
            twin = torch.load(buffer, weights_only=False)
        else:
            twin = pickle.loads(pickle.dumps(model)) if through == "pickle" else copy.deepcopy(model)
        recorder.step()
    assert hooks_of(twin) == 0
    assert torch.equal(twin(inputs(4, 5)), model(inputs(4, 5)))


def exported(model, x):
    return torch.export.export(model, (x,)).module()(x)


def traced(model, x):
    return torch.jit.trace(model, (x,))(x)


def symbolically_traced(model, x):
    return torch.fx.symbolic_trace(model)(x)


def batched(model, x):
    return torch.func.vmap(lambda row: torch.func.functional_call(model, dict(model.named_parameters()), (row,)))(x)


def jacobian(model, x):
    torch.func.jacrev(model)(x)
    return model(x)


def compiled(model, x):
    return torch.compile(model, backend="eager")(x)


@pytest.mark.parametrize("tool", [exported, traced, symbolically_traced, batched, jacobian, compiled])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tools_run_inside_the_block_as_outside_and_the_next_step_is_right(tool):
    model, x = net(), inputs(4, 5)
    expected = tool(model, x)
    with GradientRecorder(model) as recorder:
        assert torch.equal(tool(model, x), expected)
        squares(model(x)).backward()
        recorder.step()
    alone = net()
    with GradientRecorder(alone) as other:
        squares(alone(x)).backward()
        other.step()
    for name, array in recorder.norms().items():
        assert array.tobytes() == other.norms()[name].tobytes(), name


def test_a_model_that_is_compiled_inside_the_block_is_recorded(recwarn):
    model, x = net(), inputs(4, 5)
    with GradientRecorder(model) as recorder:
        fast = torch.compile(model, backend="aot_eager")
        for _ in range(2):
            model.zero_grad()
            squares(fast(x)).backward()
            recorder.step()
    alone = net()
    with GradientRecorder(alone) as other:
        for _ in range(2):
            alone.zero_grad()
            squares(alone(x)).backward()
            other.step()
    for name, array in recorder.norms().items():
        torch.testing.assert_close(torch.from_numpy(array), torch.from_numpy(other.norms()[name]), rtol=1e-5, atol=0)
    assert not [warning for warning in recwarn if "global hooks" in str(warning.message)]
