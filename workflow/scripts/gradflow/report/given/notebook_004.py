"""Random MLPs of the depth and width whose norms notebook 004 printed."""

from pathlib import Path

import numpy as np

from gradflow.propagation.notebook_004 import PRINTED_SHAPE, read_drawn


def read(files: list[Path], settings: dict) -> dict[str, np.ndarray]:
    """Return {"<activation>-<init>": norms [draws, 10]} of depth 5 and width 10."""
    return read_drawn(files)[PRINTED_SHAPE]
