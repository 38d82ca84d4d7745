"""From a server to trained networks through the real command line: every fault is one sentence, then recovery."""

import hashlib
import json

import numpy as np
import pytest
import yaml

import archives as made
from conftest import snakemake
from faulty_server import faulty_server
from gradflow.training.result import read_result

SMALL = {"architecture": "cifar_resnet", "depth": 8, "init": "he", "epochs": 1}


@pytest.fixture
def server():
    with faulty_server() as running:
        yield running


def overlay(workflow, server, archive: bytes, name: str, vary=({"architecture": "cifar_resnet"},), **changes):
    """Write a config that trains one small network on an archive of the server's; return snakemake's options."""
    server.files[f"/{name}.archive"] = archive
    download = {"urls": [server.url(f"/{name}.archive")], "sha256": hashlib.sha256(archive).hexdigest(), "bytes": None}
    config = {
        "select": ["one"],
        "scale": {"width": 0.25, "seeds": 1, "dataset": "photos"},
        "datasets": {"photos": {"source": name, "size": 64} | changes},
        "downloads": {name: download},
        "studies": {"one": {"question": "?", "base": SMALL | {"depth": 8}, "vary": list(vary)}},
    }
    (workflow / "overlay.yaml").write_text(yaml.safe_dump(config))
    return ["--cores", "2", "--configfile", "overlay.yaml"]


def run(workflow, *arguments):
    ran = snakemake(workflow, *arguments)
    said = ran.stdout + ran.stderr
    assert "Traceback" not in said, said
    return ran.returncode, said


def trained(workflow):
    return [read_result(path) for path in sorted((workflow / "results/runs").glob("*/norms.npz"))]


def test_an_archive_is_fetched_once_prepared_once_and_trained_on(workflow, server):
    options = overlay(workflow, server, made.cifar10()[0], "cifar10")
    server.faults["/cifar10.archive"] = ["break"]
    code, said = run(workflow, "runs", *options)
    assert code == 0, said
    facts = json.loads((workflow / "results/data/photos/dataset.json").read_text())
    (result,) = trained(workflow)
    assert result.meta["dataset_fingerprint"] == facts["fingerprint"] and facts["counts"]["train"] == 100
    assert server.requests["/cifar10.archive"] == 2 and facts["stored"] == [32, 32]
    (kept,) = (workflow / "downloads").glob("cifar10-*")
    assert [path.name for path in kept.glob("[!.]*")] == ["cifar10.archive"]

    (kept / "cifar10.archive").unlink()  # the arrays are there: it is not needed any more
    assert "Nothing to be done" in run(workflow, "runs", "-n", *options)[1]
    module = workflow / "workflow/scripts/gradflow/data/http.py"
    module.write_text(module.read_text().replace("retries: int = 3", "retries: int = 4"))
    assert "Nothing to be done" in run(workflow, "runs", "-n", *options)[1]  # how it is fetched is no reason to train
    overlay(workflow, server, made.cifar10(per_batch=30)[0], "cifar10")  # other bytes are one
    said = run(workflow, "runs", "-n", *options)[1]
    assert all(f"{rule} " in said for rule in ("fetch", "prepare_data", "train"))


def test_wrong_bytes_are_refused_and_the_right_ones_then_taken(workflow, server):
    options = overlay(workflow, server, made.tiny_imagenet(), "tiny_imagenet")
    server.faults["/tiny_imagenet.archive"] = ["wrong"]
    code, said = run(workflow, "runs", *options)
    assert code and "gradflow: tiny_imagenet could not be fetched" in said and "sent other bytes" in said
    assert (
        not (workflow / "results/data/photos").exists()
        and not (workflow / "downloads/tiny_imagenet/tiny_imagenet.archive").exists()
    )
    assert run(workflow, "runs", *options)[0] == 0 and len(trained(workflow)) == 1


def test_a_hostile_archive_with_the_right_hash_writes_nothing(workflow, server):
    evil = made.zip_({"cat/1.jpg": b"x", "../../../evil.txt": b"x"})
    options = overlay(workflow, server, evil, "zoo", source="folder", download="zoo")
    code, said = run(workflow, "runs", *options)
    assert code and "'../../../evil.txt' lies outside the archive's own folder" in said
    assert not list(workflow.rglob("evil.txt")) and not (workflow / "results/data/photos/images.npy").exists()


def test_damaged_images_stop_the_job_or_are_dropped_and_reported(workflow, server):
    generator = np.random.default_rng(0)
    members = {f"zoo/{c}/{i}.jpg": made.photograph(generator) for c in ("cat", "dog") for i in range(20)}
    members["zoo/cat/7.jpg"] = members["zoo/cat/7.jpg"][:200]
    options = overlay(workflow, server, made.zip_(members), "zoo", source="folder", download="zoo")
    code, said = run(workflow, "runs", *options)
    assert code and "1 of 40 images of the data set 'photos' cannot be decoded (cat/7.jpg" in said
    assert "damaged: cat/7.jpg" in (workflow / "results/logs/prepare_data/photos.log").read_text()
    overlay(workflow, server, made.zip_(members), "zoo", source="folder", download="zoo", drop_damaged=1)
    code, said = run(workflow, "results/report/analysis.html", *options)
    assert code == 0, said
    page = (workflow / "results/report/analysis.html").read_text()
    assert "1 damaged image was left out: cat/7.jpg" in page and len(trained(workflow)) == 1


def test_without_the_pretrained_weights_the_other_arms_still_run(workflow, server):
    vary = [{"architecture": "cifar_resnet"}, {"architecture": "vgg19", "init": "pretrained", "width": 1}]
    options = overlay(workflow, server, made.cifar10()[0], "cifar10", vary)
    config = yaml.safe_load((workflow / "overlay.yaml").read_text())
    del config["studies"]["one"]["base"]["depth"]
    config["studies"]["one"]["vary"][0]["depth"] = 8
    config["downloads"]["vgg19_weights"] = {"urls": [server.url("/vgg19.pth")], "sha256": "0" * 64}
    (workflow / "overlay.yaml").write_text(yaml.safe_dump(config))
    code, said = run(workflow, "runs", *options)
    assert code and said.count("gradflow: vgg19_weights could not be fetched") == 1
    assert "answered 404 Not Found" in said and "put the file at" in said
    assert [result.meta["settings"]["architecture"] for result in trained(workflow)] == ["cifar_resnet"]


def test_pretrained_weights_are_trained_on_and_others_are_another_run(workflow, server, tmp_path_factory):
    import torch
    import torchvision

    torch.manual_seed(7)
    weights = tmp_path_factory.mktemp("weights") / "vgg19.pth"
    torch.save(torchvision.models.vgg19().state_dict(), weights)
    vary = [{"architecture": "vgg19", "init": "pretrained", "width": 1}]
    options = overlay(workflow, server, made.cifar10()[0], "cifar10", vary, size=32)
    config = yaml.safe_load((workflow / "overlay.yaml").read_text())
    config["studies"]["one"]["base"] = {"epochs": 1}
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    config["downloads"]["vgg19_weights"] = {"path": str(weights), "sha256": digest, "bytes": None}
    (workflow / "overlay.yaml").write_text(yaml.safe_dump(config))
    code, said = run(workflow, "runs", *options)
    assert code == 0, said
    (result,) = trained(workflow)
    assert result.meta["weights_sha256"] == digest and result.meta["parameters"] == 139_611_210
    before = torch.load(weights, weights_only=True)["features.0.weight"].numpy()
    np.testing.assert_array_equal(result["filters_before"], before)
    assert "Nothing to be done" in run(workflow, "runs", "-n", *options)[1]
    config["downloads"]["vgg19_weights"]["sha256"] = "0" * 64
    (workflow / "overlay.yaml").write_text(yaml.safe_dump(config))
    said = run(workflow, "runs", "-n", *options)[1]
    assert "fetch " in said and "train " in said and "prepare_data " not in said
