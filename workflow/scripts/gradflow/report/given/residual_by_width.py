"""What the theory leaves over: a row a network, width and random seed."""

from pathlib import Path

import pandas as pd

from gradflow.analysis.tables import read_table


def read(files: list[Path], settings: dict) -> pd.DataFrame:
    """Return the table that `gradflow.propagation.residual_by_width` made."""
    return read_table(Path(files[0]).parent, "residual_by_width")
