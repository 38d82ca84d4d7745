"""Over processes: norms of weight gradients are those that were reduced, norms of activations a process's own."""

import json

import pytest
import torch
import torch.distributed as dist
from recorder_cases import columns, inputs, judge, net
from torch.nn.parallel import DistributedDataParallel

from gradflow import GradientRecorder

X = inputs(8, 5)


def loss(output):
    return output.square().mean()


def record(model, x):
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with GradientRecorder(model) as recorder:
        for _ in range(2):
            optimizer.zero_grad()
            loss(model(x)).backward()
            recorder.step()
            optimizer.step()
    names = ("grad_output_norm", "weight_grad_norm", "weight_norm", "update_ratio")
    norms = {name: {k.removeprefix("module."): v for k, v in columns(recorder, name, 0).items()} for name in names}
    return norms | {"batch": recorder.batch_sizes.tolist(), "total": recorder.recording().total_norms.tolist()}


def run(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mine = X[4 * rank : 4 * rank + 4]
    found = {"ddp": record(DistributedDataParallel(net()), mine)}
    sharded = net()
    mesh = init_device_mesh("cpu", (2,))
    for layer in (sharded[0], sharded[2], sharded):
        fully_shard(layer, mesh=mesh)
    found["fsdp2"] = record(sharded, mine)
    (folder / f"{rank}.json").write_text(json.dumps(found))
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    torch.multiprocessing.spawn(run, (folder,), nprocs=2)
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


@pytest.mark.parametrize("kind", ["ddp", "fsdp2"])
def test_two_processes_record_their_activations_and_the_reduced_weight_gradients(ranks, kind):
    _, weights = judge(net(), (X,), loss)
    for rank, found in enumerate(ranks):
        activations, _ = judge(net(), (X[4 * rank : 4 * rank + 4],), loss)
        one = found[kind]
        assert one["batch"] == [4, 4]
        for name in ("0", "2"):
            weight = net().get_submodule(name).weight.norm().item()
            assert one["grad_output_norm"][name] == pytest.approx(activations[name], rel=1e-5)
            assert one["weight_grad_norm"][name] == pytest.approx(weights[f"{name}.weight"], rel=1e-5)
            assert one["weight_norm"][name] == pytest.approx(weight, rel=1e-5)
            assert one["update_ratio"][name] == pytest.approx(0.1 * weights[f"{name}.weight"] / weight, rel=1e-4)
        total = sum(norm**2 for norm in weights.values()) ** 0.5
        assert one["total"][0] == pytest.approx(total, rel=1e-5)
