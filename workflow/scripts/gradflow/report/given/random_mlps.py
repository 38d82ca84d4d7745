"""Random MLPs of one width, as notebook 004 draws them: the gradient norms of their parameters."""

from pathlib import Path

import numpy as np

from gradflow.propagation.notebook_004 import read_drawn


def read(files: list[Path], settings: dict) -> dict[int, dict[str, np.ndarray]]:
    """Return {depth: {"<activation>-<init>": norms [draws, 2·depth]}} of the width in the settings."""
    return {depth: drawn for (depth, width), drawn in read_drawn(files).items() if width == settings["width"]}
