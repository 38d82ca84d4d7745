"""A disk that fills up: one sentence with the path and what is free, and earlier results as they were."""

import hashlib
import re
import subprocess
from contextlib import suppress

import numpy as np
import pytest
import yaml

import archives as made
from conftest import snakemake
from faulty_server import faulty_server
from gradflow import GradflowError
from gradflow.analysis.aggregation import write_tables
from gradflow.analysis.tables import read_table
from gradflow.data import decode, fetch, http, store
from gradflow.data.prepare import prepare
from gradflow.runs import Run
from gradflow.training import result as results
from gradflow.training.checkpoint import Checkpoint
from gradflow.training.loop import train
from gradflow.training.signals import StopSignals
from synthetic import a_run
from synthetic import result as a_result

SENTENCE = r"could not be written: the disk is full; (?:it takes [\d,]+ bytes and )?[\d,]+ are free: make room"


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs of one megabyte; and a function that leaves so many bytes free on it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def leave(disk, free: int) -> None:
    """Fill a disk but for so many bytes."""
    filler = disk / "filler"
    filler.unlink(missing_ok=True)
    with open(filler, "wb", buffering=0) as stream, suppress(OSError):
        while True:
            stream.write(b"x" * 4096)
    with open(filler, "r+b") as stream:
        stream.truncate(max(0, filler.stat().st_size - free))


@pytest.fixture(params=["known beforehand", "found while writing"])
def knowledge(request, monkeypatch):
    """Whether the check beforehand says it, or, where that could not know, the writing itself."""
    if request.param == "found while writing":
        for module in (decode, http):
            monkeypatch.setattr(module, "require_space", lambda path, needed: None)
    return request.param


def refused(folder):
    return pytest.raises(GradflowError, match=rf"{re.escape(str(folder))}.*{SENTENCE}")


def test_while_fetching(small_disk, knowledge):
    body = np.random.default_rng(0).bytes(600_000)
    with faulty_server() as server:
        server.files["/data.zip"] = body
        download = fetch.Download("zoo", hashlib.sha256(body).hexdigest(), (server.url("/data.zip"),), len(body))
        (small_disk / "earlier.zip").write_bytes(b"earlier")
        leave(small_disk, 300_000)
        with refused(small_disk) as caught:
            fetch.fetch(download, small_disk)
        assert "600,000 bytes" in str(caught.value) and not list(small_disk.rglob("data.zip"))
        (small_disk / "filler").unlink()
        assert fetch.fetch(download, small_disk).read_bytes() == body
        if knowledge == "found while writing":
            assert re.match(r"bytes=\d+-", server.ranges[-1])  # what had arrived was not fetched again
    assert (small_disk / "earlier.zip").read_bytes() == b"earlier"


def test_while_decompressing_and_decoding(small_disk, knowledge, tmp_path):
    generator = np.random.default_rng(0)
    members = {f"{name}/{i}.jpg": made.photograph(generator) for name in ("cat", "dog") for i in range(20)}
    archive = tmp_path / "zoo.tar.gz"
    archive.write_bytes(made.tar(members))
    settings = {"source": "folder", "path": str(archive), "size": 64}
    (small_disk / "earlier").mkdir()
    images = np.arange(3 * 192).reshape(3, 3, 8, 8)
    store.save_dataset(small_disk / "earlier", "earlier", images, np.arange(3), np.arange(3), "abc")
    before = store.load_dataset(small_disk / "earlier").fingerprint
    for free in (16_384, 250_000):  # too little for the tar; enough for it, not for 491,520 bytes of pixels
        leave(small_disk, free)
        with refused(small_disk / "out"):
            prepare(small_disk / "out", "zoo", settings)
        assert not any((small_disk / "out").glob("*"))
    assert store.load_dataset(small_disk / "earlier").fingerprint == before
    (small_disk / "filler").unlink()
    prepare(small_disk / "out", "zoo", settings)
    assert len(store.load_dataset(small_disk / "out").labels) == 40


def test_what_is_known_of_a_result_beforehand_is_said(small_disk):
    leave(small_disk, 8192)
    with refused(small_disk / "out.npz") as caught:
        results.write_arrays(small_disk / "out.npz", {"a": np.zeros(62_500)})
    said = int(re.search(r"takes ([\d,]+) bytes", str(caught.value)).group(1).replace(",", ""))
    assert 500_000 <= said < 501_000
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


def test_tables_are_written_once_or_not_at_all(small_disk, tmp_path):
    """What fills the disk is met in the middle of one table, while another is half written."""
    runs = [tmp_path / f"{seed}.npz" for seed in range(3)]
    for seed, path in enumerate(runs):
        results.write_result(path, a_result(a_run("vgg_deep", seed), -2))
    leave(small_disk, 8192)
    with refused(small_disk):
        write_tables(runs, small_disk)
    assert [path.name for path in small_disk.iterdir()] == ["filler"]
    (small_disk / "filler").unlink()
    write_tables(runs, small_disk)
    layers = read_table(small_disk, "layers")
    assert len(layers) and not layers.duplicated(["run", "time", "layer"]).any()


@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_while_checkpointing_the_run_goes_on(small_disk, digits, capsys, fault):
    run = Run("cifar_resnet", "digits", "digits", 32, 0, 0.125, depth=8, skip=False, batch_size=256, epochs=2)
    dataset = store.load_dataset(digits)
    path = small_disk / "run.pt"
    whole = train(run, dataset, checkpoint=Checkpoint(path))
    first = path.read_bytes()
    path.unlink()
    stop = StopSignals()

    def break_the_disk(progress):
        """After the first epoch's checkpoint, let the disk fail; after the second's, ask the run to stop."""
        if progress.epoch == 1 and fault == "full":
            leave(small_disk, len(first) // 2)
        elif progress.epoch == 1:
            subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        else:
            stop.received = "SIGTERM"

    class Breaking(Checkpoint):
        def save(self, progress):
            super().save(progress)
            break_the_disk(progress)

    with pytest.raises(GradflowError) as caught:
        train(run, dataset, checkpoint=Breaking(path, stop=stop))
    why = SENTENCE if fault == "full" else r"could not be written: Read-only file system"
    steps = len(whole["step"])
    farewell = (
        rf"SIGTERM at step {steps} of {steps}; no checkpoint of it could be kept and the next start goes on from "
    )
    assert re.search(rf"{farewell}step {steps // 2}: {re.escape(str(path))} {why}", str(caught.value)), caught.value
    (said,) = (line for line in capsys.readouterr().out.splitlines() if "goes on without" in line)
    assert re.search(rf"goes on without a checkpoint of step {steps}: {re.escape(str(path))} {why}", said)
    assert {file.name for file in small_disk.iterdir()} <= {"run.pt", "filler"}
    checkpoint = Checkpoint(path)
    resumed = train(run, dataset, checkpoint=checkpoint)  # the disk is as bad as before
    assert resumed.provenance["resumed_at"] == [steps // 2]
    assert all(resumed[name].tobytes() == array.tobytes() for name, array in whole.arrays.items())
    checkpoint.discard()
    assert path.exists() == (fault == "read-only")


def test_while_training(small_disk, workflow):
    (workflow / "results").symlink_to(small_disk)
    base = {"architecture": "cifar_resnet", "depth": 8}
    overlay = {
        "select": ["one"],
        "datasets": {"digits": {"source": "digits", "size": 8}},
        "scale": {"width": 0.03125, "epochs": 1, "seeds": 2},
        "studies": {"one": {"question": "?", "base": base, "vary": [{"init": "he"}]}},
    }
    (workflow / "overlay.yaml").write_text(yaml.safe_dump(overlay))
    options = ["--cores", "1", "--configfile", "overlay.yaml"]
    runs = list((workflow / "results/runs").glob("*"))
    planned = snakemake(workflow, "runs", "-n", "--quiet", "host", "--configfile", "overlay.yaml")
    first, second = sorted(set(re.findall(r"results/runs/(\S+)/norms\.npz", planned.stdout + planned.stderr)))
    done = snakemake(workflow, f"results/runs/{first}/norms.npz", *options)
    assert done.returncode == 0 and not runs, done.stdout + done.stderr
    earlier = (workflow / f"results/runs/{first}/norms.npz").read_bytes()
    leave(small_disk, 0)
    failed = snakemake(workflow, "runs", *options)
    said = failed.stdout + failed.stderr
    assert failed.returncode != 0 and re.search(rf"gradflow: results/runs/{second}/norms\.npz {SENTENCE}", said), said
    assert "Traceback" not in said
    assert (workflow / f"results/runs/{first}/norms.npz").read_bytes() == earlier
    (small_disk / "filler").unlink()
    assert snakemake(workflow, "runs", *options).returncode == 0
    assert results.read_result(workflow / f"results/runs/{second}/norms.npz").meta["run"] == second
