"""Integer kernels: sums, ties, ids, and that last digits of a float do not matter."""

import hashlib
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deblurbench.blur.gaussian import Gaussian, GaussianOpenCV, gaussian_weights, opencv_line
from deblurbench.blur.kernel import UNIT, Kernel, quantise, spread
from deblurbench.draws import Draws
from deblurbench.errors import UsageError

DRAWS = Draws(0, "", "")


@given(arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.floats(0, 1e6)))
@settings(deadline=None)
def test_quantised_kernels_sum_to_one_and_stay_near(weights):
    if not weights.sum() > 0:
        with pytest.raises(UsageError):
            quantise(weights)
        return
    taps = quantise(weights).taps
    assert taps.sum() == UNIT
    assert (taps >= 0).all()
    assert np.abs(taps - weights / weights.sum() * UNIT).max() <= 1 + 1e-6


@pytest.mark.parametrize(("size", "sigma"), [(3, 0.3), (7, 1.0), (9, 1.2), (11, 1.6), (31, 5.0)])
def test_another_libm_gives_the_same_kernel(size, sigma):
    line = gaussian_weights(size, sigma)
    weights = np.outer(line, line)
    expected = quantise(weights).id
    rng = np.random.default_rng(0)
    for _ in range(200):
        ulps = rng.integers(-2, 3, weights.shape)
        assert quantise(weights * (1 + ulps * np.finfo(float).eps)).id == expected


@given(arrays(np.int64, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 1 << 38)))
@settings(deadline=None)
def test_spread_kernels_sum_to_one_and_stay_near(counts):
    if not counts.any():
        with pytest.raises(UsageError):
            spread(counts)
        return
    taps = spread(counts).taps
    assert taps.sum() == UNIT
    assert not taps[counts == 0].any()
    assert np.abs(taps - counts / counts.sum() * UNIT).max() < 2


def test_spread_units_lie_evenly():
    assert spread(np.ones((1, 3), np.int64)).taps.tolist() == [[21845, 21846, 21845]]
    taps = spread(np.ones((101, 87), np.int64)).taps
    assert set(taps.ravel().tolist()) == {7, 8}
    assert np.ptp(taps.sum(axis=1)) == 1
    assert spread(np.ones((101, 87), np.int64)).is_symmetric()
    counts = np.random.default_rng(0).integers(0, 1000, (9, 7))
    assert np.array_equal(
        spread(counts + counts[::-1, ::-1]).taps, spread(counts + counts[::-1, ::-1]).taps[::-1, ::-1]
    )


@pytest.mark.parametrize("counts", [[[0]], [[-1, 2]], [1], [[1 << 46]]])
def test_what_cannot_be_spread_is_refused(counts):
    with pytest.raises(UsageError):
        spread(np.array(counts, dtype=np.int64))


def test_ties_go_to_the_lower_index():
    assert quantise(np.ones((1, 3))).taps.tolist() == [[21846, 21845, 21845]]


def test_id_is_the_documented_hash():
    taps = np.array([[1, 2, 0], [65536 - 3, 0, 0]], dtype=np.int32)
    data = struct.pack("<2I", 2, 3) + b"".join(struct.pack("<i", t) for t in taps.ravel().tolist())
    assert Kernel(taps).id == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("taps", [[[65535]], [[65537, -1]], [65536], [[]]])
def test_what_is_no_kernel_is_refused(taps):
    with pytest.raises(ValueError, match="sum to 65536"):
        Kernel(np.array(taps, dtype=np.int32))


@pytest.mark.parametrize("weights", [[[0.0]], [[np.nan]], [[np.inf, 1.0]], [[-1.0, 2.0]], [1.0]])
def test_what_cannot_be_quantised_is_refused(weights):
    with pytest.raises(UsageError):
        quantise(weights)


def test_gaussian_has_the_right_variance_and_is_isotropic():
    weights = Gaussian(sigma=1.7).kernel().weights
    offsets = np.arange(len(weights)) - len(weights) // 2
    for axis in (0, 1):
        assert np.sum(weights.sum(axis=1 - axis) * offsets**2) == pytest.approx(1.7**2, rel=2e-3)
    assert np.abs(weights - weights.T).max() <= 1 / UNIT


@pytest.mark.parametrize(
    ("size", "sigma", "expected"),
    [
        (3, 0.3, [1, 254, 1]),
        (7, 1.0, [1, 14, 62, 102, 62, 14, 1]),
        (9, 1.2, [0, 4, 21, 60, 86, 60, 21, 4, 0]),
        (11, 1.6, [0, 3, 11, 30, 52, 64, 52, 30, 11, 3, 0]),
    ],
)
def test_opencv_lines_of_the_course(size, sigma, expected):
    assert opencv_line(size, sigma).tolist() == expected
    assert GaussianOpenCV(sigma=sigma, size=size).kernel().taps.tolist() == np.outer(expected, expected).tolist()


def test_opencv_size_follows_its_rule():
    assert GaussianOpenCV(sigma=1.2).kernel().taps.shape == (9, 9)


def test_symmetry_is_seen():
    assert Gaussian(sigma=1.0, size=7).kernel().is_symmetric()
    assert not Kernel(np.array([[40000, 20000, 5536]], dtype=np.int32)).is_symmetric()
    assert not Kernel(np.array([[32768, 32768]], dtype=np.int32)).is_symmetric()
