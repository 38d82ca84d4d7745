"""Norms that stay exact from 1e-37 to 1e30 and at a hundred million elements."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradflow.recorder.norms import count_nonfinite, hypotenuse, l2_norm, two_level_norm

SHAPES = st.sampled_from([(1,), (7,), (3, 5), (4, 3, 5, 5), (70_000,), (9, 8000), (2, 3, 4)])


def exact(tensor):
    return torch.linalg.vector_norm(tensor.double()).item()


@given(SHAPES, st.floats(-37, 30), st.integers(0, 2**31))
def test_equals_float64_over_67_decades(shape, exponent, seed):
    tensor = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 10.0**exponent
    assert l2_norm(tensor) == pytest.approx(exact(tensor), rel=1e-5)
    assert hypotenuse(l2_norm(tensor), l2_norm(tensor)) == pytest.approx(2**0.5 * exact(tensor), rel=1e-5)


def test_a_hundred_million_elements_within_1e_minus_4_where_torch_is_one_percent_low():
    gradient = torch.randn(32, 64, 224, 224, generator=torch.Generator().manual_seed(0))
    truth = sum(exact(sample) ** 2 for sample in gradient) ** 0.5
    assert l2_norm(gradient) == pytest.approx(truth, rel=1e-4)
    assert abs(torch.linalg.vector_norm(gradient).item() / truth - 1) > 5e-3  # why l2_norm exists


def test_zero_and_nonfinite_tensors():
    assert l2_norm(torch.zeros(3, 3)) == 0
    for bad in (float("nan"), float("inf")):
        tensor = torch.tensor([[1.0, bad], [bad, 2.0]])
        norm = l2_norm(tensor)
        assert not np.isfinite(norm)
        assert count_nonfinite(tensor, norm) == 2


def test_channels_last_and_bfloat16_tensors():
    tensor = torch.randn(4, 8, 6, 6).to(memory_format=torch.channels_last)
    assert l2_norm(tensor) == pytest.approx(exact(tensor), rel=1e-6)
    half = tensor.to(torch.bfloat16)
    assert l2_norm(half) == pytest.approx(exact(half), rel=1e-6)


def test_the_path_of_other_devices_is_exact_too():
    """Off the CPU every tensor is scaled by its largest magnitude; the arithmetic is the same on any device."""
    for exponent in (-30, -10, 0, 20):
        tensor = torch.randn(5, 6, 7) * 10.0**exponent
        peak = tensor.abs().max()
        assert (two_level_norm(tensor / peak) * peak).item() == pytest.approx(exact(tensor), rel=1e-5)
