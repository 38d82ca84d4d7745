"""Random MLPs of one width, as notebook 004 draws them: the gradient norms of their parameters."""

import re
from pathlib import Path

import numpy as np

from gradflow.training.result import read_arrays


def read(files: list[Path], settings: dict) -> dict[int, dict[str, np.ndarray]]:
    """Return {depth: {"<activation>-<init>": norms [draws, 2·depth]}}, of files named after depth and width."""
    depths = {file: re.fullmatch(rf"depth(\d+)-width{settings['width']}", Path(file).stem) for file in files}
    return {int(depth[1]): read_arrays(file) for file, depth in depths.items() if depth}
