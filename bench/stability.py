"""How sure the verdicts of a finished run are: make stability.

Trains the arms that claims are settled by (config/stability.yaml) with 16 other random seeds, and with the run's own in
another arithmetic (the other memory format, two threads, small networks in float64), each with results of its own
in .stability/, which are kept, and prints what becomes of each verdict.
"""

import json
import math
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
KEPT = Path(".stability")


def overlays() -> dict[str, dict]:
    """Return what each of them runs, laid over the default."""
    found = json.loads(Path("results/memory_format.json").read_text(encoding="utf-8"))["memory_format"]
    other = {"contiguous": "channels_last", "channels_last": "contiguous"}[found]
    arms = yaml.safe_load((ROOT / "config" / "stability.yaml").read_text(encoding="utf-8"))
    small = {name: {"base": {"precision": "fp64"}} for name in ("deep_mlp", "kernel")}
    again = {name: {"vary": study["vary"]} for name, study in arms["studies"].items()} | small
    arithmetic = {"memory_format": other, "threads": 2, "select": arms["select"], "studies": again}
    return {"pool": arms, "arithmetic": arithmetic}


def finished(name: str, overlay: dict) -> Path:
    """Run the workflow to its claims, with results in a folder of their own, and return it."""
    results, file = KEPT / name, KEPT / f"{name}.yaml"
    KEPT.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(overlay | {"results": str(results)}), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", str(results / "tables" / "claims.csv"), "--configfile", str(file)]
    subprocess.run([*command, "--cores", *sys.argv[1:2], "--resources", "gpu=1", "--quiet", "rules"], check=True)
    return results


def evidence(results: Path) -> dict:
    """Return what a finished run left for the claims."""
    return gather([*results.glob("tables/*.parquet"), *results.glob("mlp/*.npz")])


def said(value: float, form: str) -> str:
    """Write a number, or that there is none."""
    return "–" if math.isnan(value) else format(value, form)


folders = {name: finished(name, overlay) for name, overlay in overlays().items()}
claims = read_claims(ROOT / "report" / "claims.yaml")
table = stability_table(claims, evidence(Path("results")), evidence(folders["pool"]))
again = read_table(folders["arithmetic"] / "tables", "claims").drop_duplicates("id").set_index("id")
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
