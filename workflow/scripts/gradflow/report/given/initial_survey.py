"""The initial survey: a row an architecture, initialisation and random seed."""

from pathlib import Path

import pandas as pd

from gradflow.analysis.tables import read_table


def read(files: list[Path], settings: dict) -> pd.DataFrame:
    """Return the table that `gradflow.propagation.survey` made."""
    return read_table(Path(files[0]).parent, "initial_survey")
