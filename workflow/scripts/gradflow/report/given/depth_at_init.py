"""Networks of growing depth at initialisation: a row a network."""

from pathlib import Path

import pandas as pd


def read(files: list[Path], settings: dict) -> pd.DataFrame:
    """Return the table that `gradflow.propagation.depth_at_init` made."""
    return pd.read_csv(files[0])
