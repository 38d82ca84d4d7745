"""Train one run and write its result."""

from pathlib import Path

from gradflow import leases, results
from gradflow.checkpoints import Checkpoint
from gradflow.data import arrays
from gradflow.data.downloads import configured, fetch
from gradflow.fingerprint import run_fingerprint
from gradflow.jobs import job
from gradflow.own_architectures import known
from gradflow.provenance import describe
from gradflow.runs import Run
from gradflow.stopping import StopSignals
from gradflow.training import train

with job(snakemake):
    device = leases.choose_device(snakemake.resources.device, snakemake.threads, snakemake.config["jobs_per_gpu"])
    run, params = Run(**snakemake.params.settings), snakemake.params
    architecture, record = known(snakemake.config["architectures"])[run.architecture], snakemake.config["record"]
    dataset = arrays.load(Path(snakemake.input.data[0]).parent, params.get("dataset"))
    weights = fetch(*configured(snakemake.config, architecture.pretrained)) if run.pretrained else None
    code = run_fingerprint(run, architecture, record)  # of what is imported here, whatever was planned
    with StopSignals() as stop:
        checkpoint = Checkpoint(params.checkpoint, snakemake.config["checkpoint_minutes"], stop, code)
        result = train(run, dataset, device, weights, checkpoint, architecture, record)
        if weights:
            result.meta["weights_sha256"] = snakemake.config["downloads"][architecture.pretrained]["sha256"]
        result.meta["code_fingerprint"] = code
        result.provenance["builder"] = architecture.builder
        result.provenance.update(describe(device, snakemake.threads))
        results.write(snakemake.output[0], result)
        stop.finish()
        checkpoint.discard()
