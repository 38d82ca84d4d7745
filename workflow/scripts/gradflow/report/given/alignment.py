"""Learnt alignment: a row an architecture, random seed and step."""

from pathlib import Path

import pandas as pd

from gradflow.analysis.tables import read_table


def read(files: list[Path], settings: dict) -> pd.DataFrame:
    """Return the table that `gradflow.propagation.alignment` made."""
    return read_table(Path(files[0]).parent, "alignment")
