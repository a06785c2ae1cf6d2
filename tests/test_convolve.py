"""Exact blur: analysis (delta, mass, shift), a plain integer reference, and OpenCV bit for bit."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import noise
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import convolve2d
from skimage import data_dir

from deblurbench.blur.convolve import adjoint_sums, convolve, reflect101, weighted_sums
from deblurbench.blur.gaussian import Gaussian, GaussianOpenCV
from deblurbench.blur.kernel import UNIT, Kernel, quantise
from deblurbench.draws import Draws
from deblurbench.images.codec import read_rgb

DRAWS = Draws(0, "", "")
COURSE = [(3, 0.3), (7, 1.0), (9, 1.2), (11, 1.6)]


def random_kernel(height, width, seed=0):
    return quantise(np.random.default_rng(seed).random((height, width)) ** 4)


def reference(picture, kernel):
    """out = floor((s + 2^15) / 2^16) by SciPy's full convolution of int64, on NumPy's `reflect` padding."""
    h, w = kernel.taps.shape
    pads = [(h - 1 - h // 2, h // 2), (w - 1 - w // 2, w // 2)]  # out[p] = sum of k[j] x[p - (j - size // 2)]
    planes = [
        convolve2d(np.pad(picture[:, :, c].astype(np.int64), pads, "reflect"), kernel.taps.astype(np.int64), "valid")
        for c in range(picture.shape[2])
    ]
    return ((np.stack(planes, axis=2) + UNIT // 2) // UNIT).astype(np.uint8)


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 10))
@settings(deadline=None, max_examples=50)
def test_equals_the_plain_integer_reference(height, width, seed):
    kernel, picture = random_kernel(height, width, seed), noise(12, 17, seed=seed)
    assert np.array_equal(convolve(picture, kernel), reference(picture, kernel))


@pytest.mark.parametrize("shape", [(3, 5), (4, 4), (1, 7)])
def test_a_bright_pixel_comes_out_as_the_kernel(shape):
    taps = np.zeros(shape, dtype=np.int32)
    taps.flat[: taps.size] = UNIT // taps.size
    taps[0, 0] += UNIT - taps.sum()
    kernel = Kernel(taps)
    picture = np.zeros((21, 23, 3), dtype=np.uint8)
    picture[10, 11] = 255
    out = convolve(picture, kernel)
    top, left = 10 - shape[0] // 2, 11 - shape[1] // 2
    expected = (255 * taps + UNIT // 2) // UNIT
    assert np.array_equal(out[top : top + shape[0], left : left + shape[1], 0], expected)
    assert out.astype(int).sum() == 3 * expected.sum()


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_a_flat_picture_stays_flat(value):
    picture = np.full((9, 14, 3), value, dtype=np.uint8)
    assert np.array_equal(convolve(picture, random_kernel(7, 5)), picture)


def test_a_shifted_picture_gives_the_shifted_blur():
    picture, kernel = noise(40, 40), random_kernel(5, 7)
    inner = convolve(picture, kernel)[8:-8, 8:-8]
    moved = convolve(np.roll(picture, (3, -2), axis=(0, 1)), kernel)
    assert np.array_equal(moved[11:-5, 6:-10], inner)


def test_borders_fold_with_period_2n_minus_2():
    assert reflect101(4, 5, 5).tolist() == [1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2]
    assert reflect101(1, 2, 2).tolist() == [0, 0, 0, 0, 0]


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 3), (5, 1)])
def test_a_kernel_may_exceed_the_picture(size):
    picture, kernel = noise(*size), Gaussian(sigma=4.0).kernel()
    assert np.array_equal(convolve(picture, kernel), reference(picture, kernel))


@pytest.mark.parametrize(("size", "sigma"), COURSE)
@pytest.mark.parametrize("photo", ["astronaut.png", "coffee.png", "rocket.jpg"])
def test_equals_opencv_on_photographs(photo, size, sigma):
    picture = read_rgb(Path(data_dir) / photo)
    ours = convolve(picture, GaussianOpenCV(sigma=sigma, size=size).kernel())
    assert np.array_equal(ours, cv2.GaussianBlur(picture, (size, size), sigma, borderType=cv2.BORDER_REFLECT_101))


@pytest.mark.parametrize(("size", "sigma"), COURSE)
def test_equals_opencv_on_the_shared_photographs(shared, size, sigma):
    kernel = GaussianOpenCV(sigma=sigma, size=size).kernel()
    files = sorted((shared / "photos" / "test").glob("*.png"))
    assert len(files) == 60
    for file in files:
        picture = read_rgb(file)
        assert np.array_equal(convolve(picture, kernel), cv2.GaussianBlur(picture, (size, size), sigma)), file.name


def test_equals_opencv_on_noise_of_every_sigma():
    picture = noise(37, 53)
    for sigma in np.arange(0.2, 4.0, 0.1).round(2).tolist():
        ours = convolve(picture, GaussianOpenCV(sigma=sigma).kernel())
        assert np.array_equal(ours, cv2.GaussianBlur(picture, (0, 0), sigma)), sigma


@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.integers(0, 999),
)
@settings(deadline=None, max_examples=60)
def test_the_adjoint_is_the_transpose_borders_included(shape, size, seed):
    """<A x, y> = <x, A^T y> exactly, for kernels without any symmetry and larger than the picture."""
    rng = np.random.default_rng(seed)
    kernel = random_kernel(*size, seed=seed)
    x = rng.integers(0, 1 << 21, (*shape, 2))
    y = rng.integers(-(1 << 20), 1 << 20, (*shape, 2))
    left, right = weighted_sums(x, kernel) * y, x * adjoint_sums(y, kernel)
    assert sum(left.ravel().tolist()) == sum(right.ravel().tolist())  # Python's integers: no overflow


def test_the_adjoint_column_by_column():
    kernel, shape = random_kernel(4, 7, seed=3), (3, 5, 1)
    units = np.eye(15, dtype=np.int64).reshape(15, *shape)
    forward = np.stack([weighted_sums(unit, kernel).ravel() for unit in units], axis=1)
    backward = np.stack([adjoint_sums(unit, kernel).ravel() for unit in units], axis=1)
    assert np.array_equal(backward, forward.T)
    assert not np.array_equal(forward, forward.T)


def test_the_adjoint_keeps_the_mass():
    kernel, y = random_kernel(6, 3), noise(7, 9).astype(np.int64) - 100
    assert adjoint_sums(y, kernel).sum() == UNIT * y.sum()


@pytest.mark.parametrize("wrong", [noise(3, 3).astype(float), noise(3, 3, None), noise(3, 3).astype(np.int64) - 300])
def test_what_are_no_levels_is_refused(wrong):
    with pytest.raises(ValueError, match="levels"):
        weighted_sums(wrong, random_kernel(3, 3))
    with pytest.raises(ValueError, match="2097151"):
        weighted_sums(np.full((2, 2, 1), 1 << 21), random_kernel(3, 3))


@pytest.mark.parametrize("wrong", [noise(3, 3, None), noise(3, 3).astype(np.int64)])
def test_what_is_no_picture_is_refused(wrong):
    with pytest.raises(ValueError, match="uint8 H x W x C"):
        convolve(wrong, random_kernel(3, 3))


def test_views_blur_as_their_copies_do_and_stay_as_they_are():
    picture, kernel = noise(40, 50), random_kernel(9, 9)
    for view in (picture[::2, ::-1], picture[5:, 7:], picture.transpose(1, 0, 2), picture[:, :, ::-1]):
        before = view.copy()
        assert np.array_equal(convolve(view, kernel), convolve(before, kernel))
        assert np.array_equal(view, before)
    frozen = picture.copy()
    frozen.setflags(write=False)
    for engine in ("numpy", "scipy", "opencv", "torch"):
        assert np.array_equal(convolve(frozen, kernel, engine), convolve(picture, kernel))
