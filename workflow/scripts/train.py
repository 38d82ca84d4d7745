"""Train one run and write its result."""

# ruff: noqa: E402
from gradflow.runtime.warm import hand_over

hand_over()  # what follows runs in a process that has torch already, where there is one

from pathlib import Path

from gradflow.config.architectures import known
from gradflow.data import store
from gradflow.data.fetch import configured, fetch
from gradflow.runs import Run
from gradflow.runtime import leases
from gradflow.runtime.fingerprint import run_fingerprint
from gradflow.runtime.job import job
from gradflow.runtime.provenance import describe_run
from gradflow.training.checkpoint import Checkpoint
from gradflow.training.fastest_format import read_choice
from gradflow.training.loop import train
from gradflow.training.result import write_result
from gradflow.training.signals import StopSignals

with job(snakemake):
    device = leases.lease_device(snakemake.resources.device, snakemake.threads, snakemake.config["jobs_per_gpu"])
    run, params = Run(**snakemake.params.settings), snakemake.params
    architecture, record = known(snakemake.config["architectures"])[run.architecture], snakemake.config["record"]
    dataset = store.load_dataset(Path(snakemake.input.data[0]).parent, params.get("dataset"))
    weights = fetch(*configured(snakemake.config, architecture.pretrained)) if run.pretrained else None
    memory_format = params.memory_format or read_choice(snakemake.input.memory_format)
    code = run_fingerprint(run, architecture, record)  # of what is imported here, whatever was planned
    with StopSignals() as stop:
        keep = params.get("keep_state", snakemake.config["keep_state"])
        checkpoint = Checkpoint(params.checkpoint, snakemake.config["checkpoint_minutes"], stop, code, keep)
        result = train(run, dataset, device, weights, checkpoint, architecture, record, memory_format)
        if weights:
            result.meta["weights_sha256"] = snakemake.config["downloads"][architecture.pretrained]["sha256"]
        result.meta["code_fingerprint"] = code
        result.provenance["builder"] = architecture.builder
        result.provenance.update(describe_run(device, snakemake.threads))
        write_result(snakemake.output[0], result)
        stop.finish()
        checkpoint.discard()
