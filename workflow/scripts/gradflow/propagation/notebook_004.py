"""The gradient norms that notebook 004 printed, one network each, to lay over our distributions, and its ratio."""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gradflow.training.result import read_arrays

PRINTED_SHAPE = (5, 10)  # depth, width
# (activation, init) -> norms of weight 1, bias 1, ..., weight 5, bias 5: depth 5, width 10, 100 samples.
# The third network is initialised by kaiming_normal_(nonlinearity="sigmoid"), whose gain is 1: Var W = 1/fan_in.
PRINTED = {
    ("sigmoid", "default"): (
        1.8628388716024347e-05, 3.066662611672655e-05, 0.0005138158448971808, 0.00033092324156314135,
        0.003808162175118923, 0.002379715209826827, 0.04350128769874573, 0.02624613605439663,
        0.3425194323062897, 0.20319567620754242,
    ),
    ("leaky_relu", "default"): (
        0.012357436120510101, 0.007089552469551563, 0.013694400899112225, 0.010775835253298283,
        0.029977064579725266, 0.05505665764212608, 0.06813295185565948, 0.16980555653572083,
        0.1350313276052475, 0.4393619894981384,
    ),
    ("sigmoid", "lecun"): (
        0.0005468870513141155, 0.0010482256766408682, 0.007102056406438351, 0.004478410352021456,
        0.024837154895067215, 0.014628857374191284, 0.08468004316091537, 0.056439392268657684,
        0.3818344175815582, 0.24892641603946686,
    ),
    ("leaky_relu", "xavier"): (
        0.01369679719209671, 0.004151427187025547, 0.020848531275987625, 0.008705598302185535,
        0.022342799231410027, 0.015539039857685566, 0.039693936705589294, 0.08935532718896866,
        0.04022403433918953, 0.1322801560163498,
    ),
}  # fmt: skip


def read_drawn(files: Iterable[Path]) -> dict[tuple[int, int], dict[str, np.ndarray]]:
    """Read random MLPs by depth and width, after which their files are named; other files are passed over.

    Returns {(depth, width): {"<activation>-<init>": norms [draws, 2·depth]}}.
    """
    shapes = {file: re.fullmatch(r"depth(\d+)-width(\d+)\.npz", Path(file).name) for file in files}
    return {(int(shape[1]), int(shape[2])): read_arrays(file) for file, shape in shapes.items() if shape}


def first_over_last(norms: np.ndarray) -> np.ndarray:
    """Return log10 of the first weight's gradient norm over the last's of each network that is alive.

    norms: [draws, 2·depth], as `propagation.random_mlps` returns them. A network with a gradient of exactly zero at
    either end (every unit of a ReLU layer off) is dead and has no ratio.
    """
    first, last = norms[:, 0], norms[:, -2]
    alive = (first > 0) & (last > 0) & np.isfinite(first) & np.isfinite(last)
    return np.log10(first[alive] / last[alive])
