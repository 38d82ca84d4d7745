"""The target verify, for real: runs come out again, and what was changed, damaged or replaced since is found."""

import json

from conftest import snakemake
from gradflow.analysis.reproducibility import draw
from gradflow.training import result as results

SMOKE = ["--configfile", "config/smoke.yaml"]


def verify(folder, *arguments):
    ran = snakemake(folder, "verify", "--cores", "2", *SMOKE, *arguments)
    return ran, ran.stdout + ran.stderr


def files(folder):
    """What is in the runs' folder, and when each file was written."""
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (folder / "results/runs").rglob("*.npz")}


def test_untouched_runs_come_out_again_to_the_byte_each_time_anew(done):
    before, times = files(done), []
    for keep in (True, False):
        ran, said = verify(done, "--config", f"keep_state={keep}")  # a state that is kept would be no second training
        assert ran.returncode == 0 and "3 of 12 runs recomputed: identical bytes" in said, said
        again = sorted((done / "results/verify").glob("*.npz"))
        assert len(again) == 3 and not list((done / "results/verify").glob("*.pt"))
        times.append([path.stat().st_mtime_ns for path in again])
    assert not set(times[0]) & set(times[1])
    assert files(done) == before
    assert (done / "results/verify/report.txt").read_text() == "3 of 12 runs recomputed: identical bytes\n"
    planned = snakemake(done, "-n", *SMOKE)
    assert "Nothing to be done" in planned.stdout + planned.stderr


def test_a_changed_number_and_a_damaged_file_are_named_and_outdated_runs_are_left_as_they_are(done):
    names = [path.name for path in (done / "results/runs").iterdir()]
    changed, damaged, _ = (done / "results/runs" / run / "norms.npz" for run in draw(names, 3, 0))
    result = results.read_result(changed)
    result["update_ratio"][2, 5] *= 1.001
    results.write_result(changed, result)
    damaged.write_bytes(damaged.read_bytes()[:5000])
    with open(done / "workflow/scripts/gradflow/training/loop.py", "a") as module:
        module.write("\nUNUSED = 1\n")  # the runs are now of other code
    before = files(done)
    ran, said = verify(done)
    assert ran.returncode != 0 and files(done) == before and "Traceback" not in said
    layer = result["layer_name"][5]
    assert "2 of 12 runs recomputed: 1 identical, largest relative difference 1.0e-03 in update_ratio" in said
    assert f"of {changed.parent.name} (step 2, {layer}: " in said
    assert f"made otherwise: code was {result.meta['code_fingerprint']}, now " in said
    assert f"{damaged.relative_to(done)} is damaged" in said and "1 of 12 results cannot be verified" in said
    assert "damaged" in (done / "results/verify/report.csv").read_text()


def test_another_data_set_is_refused(done):
    path = done / "results/data/digits/dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"fingerprint": "0" * 64}))
    ran, said = verify(done, "--config", "verify_runs=1", "verify_seed=4")
    assert ran.returncode != 0 and "Traceback" not in said
    assert (
        "results/data/digits is not the data set that the run was trained on (its fingerprint is 000000000000" in said
    )
    assert not list((done / "results/verify").glob("*.npz"))


def test_without_a_finished_run_there_is_one_sentence(workflow):
    ran, said = verify(workflow)
    assert ran.returncode != 0 and "Traceback" not in said
    assert "verify: no run of this configuration has finished yet; run the workflow first." in said
    assert not (workflow / "results/runs").exists()
