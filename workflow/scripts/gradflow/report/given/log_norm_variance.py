"""Random ReLU networks: a row a width and depth."""

from pathlib import Path

import pandas as pd

from gradflow.analysis.tables import read_table


def read(files: list[Path], settings: dict) -> pd.DataFrame:
    """Return the table that `gradflow.propagation.log_norm_variance` made."""
    return read_table(Path(files[0]).parent, "log_norm_variance")
