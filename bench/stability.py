"""How sure the verdicts of a finished run are: make stability.

Trains the arms that claims are settled by (config/stability.yaml) with 16 other random seeds, and with the run's own in
another arithmetic (the other memory format, two threads, small networks in float64), each in a copy of this checkout
under .stability/, which is kept, and prints what becomes of each verdict.
"""

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from gradflow.analysis.claims.evidence import gather
from gradflow.analysis.claims.schema import read_claims
from gradflow.analysis.claims.stability import stability_table
from gradflow.analysis.tables import read_table
from gradflow.report.wording import markdown_table

ROOT = Path(__file__).parents[1]
SHIPPED = ("Snakefile", "CITATION.cff", "config.yaml", "config", "workflow", "report", "profiles", "envs")
TARGETS = ("results/tables/claims.csv",)


def overlays() -> dict[str, dict]:
    """Return what each copy runs, laid over the default."""
    found = json.loads(Path("results/memory_format.json").read_text(encoding="utf-8"))["memory_format"]
    other = {"contiguous": "channels_last", "channels_last": "contiguous"}[found]
    arms = yaml.safe_load((ROOT / "config" / "stability.yaml").read_text(encoding="utf-8"))
    small = {name: {"base": {"precision": "fp64"}} for name in ("deep_mlp", "kernel")}
    again = {name: {"vary": study["vary"]} for name, study in arms["studies"].items()} | small
    arithmetic = {"memory_format": other, "threads": 2, "select": arms["select"], "studies": again}
    return {"pool": arms, "arithmetic": arithmetic}


def finished(name: str, overlay: dict) -> Path:
    """Run a copy of the workflow to its claims, and return its folder."""
    folder = Path(".stability") / name
    folder.mkdir(parents=True, exist_ok=True)
    for part in SHIPPED:
        if (ROOT / part).is_dir():  # as it is now; times are kept, so that what is finished stays so
            shutil.copytree(ROOT / part, folder / part, dirs_exist_ok=True)
        else:
            shutil.copy2(ROOT / part, folder / part)
    (folder / "overlay.yaml").write_text(yaml.safe_dump(overlay), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", *TARGETS, "--cores", *sys.argv[1:2], "--resources", "gpu=1"]
    subprocess.run([*command, "--configfile", "overlay.yaml", "--quiet", "rules"], cwd=folder, check=True)
    return folder


def evidence(folder: Path) -> dict:
    """Return what a finished run left for the claims."""
    results = folder / "results"
    return gather([*results.glob("tables/*.parquet"), *results.glob("mlp/*.npz")])


def said(value: float, form: str) -> str:
    """Write a number, or that there is none."""
    return "–" if math.isnan(value) else format(value, form)


folders = {name: finished(name, overlay) for name, overlay in overlays().items()}
claims, here = read_claims(ROOT / "report" / "claims.yaml"), Path()
table = stability_table(claims, evidence(here), evidence(folders["pool"]))
again = read_table(folders["arithmetic"] / "results" / "tables", "claims").drop_duplicates("id").set_index("id")
# Of what random seeds settle alone: counts are exact, and their networks are not all trained again.
table["other arithmetic"] = table["id"].map(again["verdict"]).where(table["stays"].notna(), "–")
rows = [
    [
        row.id,
        row.verdict,
        " ".join(map(str, row.n)),
        "; ".join(said(value, ".3g") for value in row.effect),
        said(row.stays, ".2f"),
        said(row.power, ".2f"),
        other,
    ]
    for row, other in zip(table.itertuples(), table["other arithmetic"])
]
print(markdown_table(["claim", "verdict", "n", "effect in the pool", "stays", "power", "other arithmetic"], rows))
decided = table[(table["verdict"] != "not decided here") & table["stays"].notna()]
short = {
    "stay in less than 95 %": (decided["stays"] < 0.95).sum(),
    "have less power than 0.9": (decided["power"] < 0.9).sum(),
    "come out otherwise in the other arithmetic": (decided["verdict"] != decided["other arithmetic"]).sum(),
}
found = ", ".join(f"{n} {what}" for what, n in short.items())
print(f"\n{len(decided)} of {len(table)} claims are decided by random seeds; {found}")
