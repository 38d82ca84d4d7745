"""Tanh networks of growing depth, trained: a row a network."""

from pathlib import Path

import pandas as pd

from gradflow.analysis.tables import read_table


def read(files: list[Path], settings: dict) -> pd.DataFrame:
    """Return the table that `gradflow.propagation.trainable_depth` made."""
    return read_table(Path(files[0]).parent, "trainable_depth")
