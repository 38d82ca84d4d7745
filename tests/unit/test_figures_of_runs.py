"""No text lies over text in any figure of a run: of the smoke run those of no study, of a finished run all of them.

GRADFLOW_FINISHED=<folder> names a finished run (make test-default).
"""

import os
from pathlib import Path

import pytest
import yaml

from gradflow.analysis.tables import read_table
from gradflow.config import configuration
from gradflow.report.figures import FigureKind, _animation, figures, style
from text_boxes import overlaps

FINISHED = os.environ.get("GRADFLOW_FINISHED")
OF_NO_STUDY = [name for name, kind in figures().items() if "study" not in kind.arguments]


def files_of(results: Path) -> dict[str, list[Path]]:
    """What figures are drawn from, by argument."""
    tables, drawn = sorted((results / "tables").glob("*")), sorted((results / "mlp").glob("*.npz"))
    known = {"study": tables, "results": sorted(results.glob("runs/*/norms.npz"))}
    return known | {"random_mlps": drawn, "notebook_004": drawn} | {path.stem: [path] for path in tables}


def settings_of(kind: FigureKind, folder: Path) -> list[dict]:
    """The settings of each picture of a kind, by the run's own tables and the configuration beside them."""
    config = configuration.complete(yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8")))
    shared = {"thresholds": config["verdict"]}
    if "study" in kind.arguments:
        studies = read_table(folder / "results" / "tables", "arms")["study"].unique()
        return [shared | {"study": name, "layers": config["studies"][name]["layers"]} for name in studies]
    return [shared | {"width": width} for width in config["mlp"]["widths"]]


@pytest.mark.parametrize(
    ("run", "name"),
    [("smoke", name) for name in OF_NO_STUDY] + [("finished", name) for name in figures() if FINISHED],
)
def test_no_text_lies_over_other_text(run, name, request, monkeypatch, tmp_path):
    folder = Path(FINISHED).resolve() if run == "finished" else request.getfixturevalue("smoke")
    kind, files = figures()[name], files_of(folder / "results")
    if not all(files.get(argument) for argument in kind.read):
        pytest.skip(f"this run has no {name}")
    found = []
    monkeypatch.setattr(style, "save_figure", lambda figure, *paths: found.append(overlaps(figure)))
    monkeypatch.setattr(
        _animation.Animation,
        "save",
        lambda self, *paths: found.append(overlaps(self.frames[0]) + overlaps(self.frames[-1])),
    )
    wanted = settings_of(kind, folder)
    for settings in wanted:
        kind.write([tmp_path / f"{name}.png"] * 2, files, settings)
    assert [pairs for pairs in found if pairs] == [] and len(found) == len(wanted)
