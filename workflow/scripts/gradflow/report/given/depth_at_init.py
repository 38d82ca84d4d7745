"""Networks of growing depth at initialisation: a row a network."""

from pathlib import Path

import pandas as pd

from gradflow.analysis.tables import read_table


def read(files: list[Path], settings: dict) -> pd.DataFrame:
    """Return the table that `gradflow.propagation.depth_at_init` made."""
    return read_table(Path(files[0]).parent, "depth_at_init")
