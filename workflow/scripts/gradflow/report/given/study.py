"""The tables of the study that a picture is of."""

from pathlib import Path

from gradflow.analysis.study import StudyTables, read_study


def read(files: list[Path], settings: dict) -> StudyTables:
    """Return the study's tables, from the folder of all studies'."""
    return read_study(Path(files[0]).parent, settings["study"])
