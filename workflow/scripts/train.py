"""Train one run and write its result."""

from pathlib import Path

from gradflow import leases, results
from gradflow.checkpoints import Checkpoint
from gradflow.data import arrays
from gradflow.data.downloads import configured, fetch
from gradflow.jobs import job
from gradflow.provenance import describe
from gradflow.runs import Run
from gradflow.stopping import StopSignals
from gradflow.training import train

with job(snakemake):
    device = leases.choose_device(snakemake.resources.device, snakemake.threads, snakemake.config["jobs_per_gpu"])
    run = Run(**snakemake.params.settings)
    dataset = arrays.load(Path(snakemake.input.data[0]).parent, snakemake.params.get("dataset"))
    weights = fetch(*configured(snakemake.config, run.weights)) if run.weights else None
    with StopSignals() as stop:
        checkpoint = Checkpoint(snakemake.params.checkpoint, snakemake.config["checkpoint_minutes"], stop)
        result = train(run, dataset, device, weights, checkpoint)
        if weights:
            result.meta["weights_sha256"] = snakemake.params.weights
        result.meta["code_fingerprint"] = snakemake.params.code
        result.provenance.update(describe(device, snakemake.threads))
        results.write(snakemake.output[0], result)
        stop.finish()
        checkpoint.discard()
